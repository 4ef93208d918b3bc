"""How far the exported graph goes, and how large its input is.

Nothing here imports MindSpore.
"""

from __future__ import annotations

from ms_defrcn.config import InputConfig

NMS, DECODED = "nms", "decoded"

FORMS = {
    NMS: "selected boxes in pixels of the original picture, scores and labels",
    DECODED: "boxes of every class in pixels of the input, scores, which count",
}
"""Output form -> what the graph gives; the first is the default."""

OUTPUTS = {NMS: ("boxes", "scores", "labels"), DECODED: ("boxes", "scores", "valid")}
"""Output form -> names of the outputs in order."""

_UNCALIBRATED = "as the network gives them, without calibration (PCB)"
WORDS = {
    NMS: (
        "x0 y0 x1 y1, pixels of the original picture, within it; zeros in empty slots, which follow the detections",
        f"softmax, falling, {_UNCALIBRATED}; 0 in empty slots, whose label is -1",
    ),
    DECODED: (
        "x0 y0 x1 y1 for every class, pixels of the input, within the picture in it",
        f"softmax, the last column is the background, {_UNCALIBRATED}; rows count where valid is 1",
    ),
}
"""Output form -> what the boxes and what the scores are."""

LEAST_SIDE = 64
"""Of an input, pixels."""
_STEP = 16
"""Pixels that a place of the feature map stands for."""
_PUBLISHED_SIZE = (768, 1280)
"""Input of the exported model of the old zoo, whose settings are those of the published recipes."""


def default_size(config: InputConfig) -> tuple[int, int]:
    """(height, width) of an input for lying pictures of the size that evaluation shows them at.

    Sides are the short and the longest one of `input`, rounded up to multiples of 16; 768 x 1280 where they are those
    of the published recipes.
    """
    published = InputConfig()
    sides = config.test_short_side, config.max_side
    if sides == (published.test_short_side, published.max_side):
        return _PUBLISHED_SIZE
    height, width = (max(-(-side // _STEP) * _STEP, LEAST_SIDE) for side in sides)
    return height, width
