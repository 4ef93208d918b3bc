"""Default boxes of this package's 300-pixel networks, as the old zoo had them."""

from typing import NamedTuple

from ms_core.detection.anchors import Anchors, scale_aspect_anchors

ANCHORS_PER_CELL = (3, 6, 6, 6, 6, 6)

MIN_SCALE = 0.2
"""Box side of the first level relative to the image; one of the old configurations of ssd_vgg16 has 0.1."""

_MAX_SCALE = 0.95
_ASPECT_RATIOS = ((), (2, 3), (2, 3), (2, 3), (2, 3), (2, 3))


class Levels(NamedTuple):
    """Feature maps of one network, fine to coarse."""

    grids: tuple[int, ...]
    """Cells along one side."""
    steps: tuple[int, ...]
    """Pixels between centres; the last ones do not divide the image, as in the old zoo."""


FROM_STRIDE_16 = Levels(grids=(19, 10, 5, 3, 2, 1), steps=(16, 32, 64, 100, 150, 300))
"""ssd300 and ssd_mobilenet_v1: 1917 boxes."""

FROM_STRIDE_8 = Levels(grids=(38, 19, 10, 5, 3, 1), steps=(8, 16, 32, 64, 100, 300))
"""ssd_vgg16: 7308 boxes."""


def zoo_boxes(levels: Levels, min_scale: float | None = None) -> Anchors:
    """Three boxes in a cell of the first level, six in the others.

    Args:
        levels: of the network.
        min_scale: None for the usual one.
    """
    smallest = MIN_SCALE if min_scale is None else min_scale
    return scale_aspect_anchors(
        300, levels.grids, levels.steps, _ASPECT_RATIOS, min_scale=smallest, max_scale=_MAX_SCALE
    )
