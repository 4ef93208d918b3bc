"""How far the exported graph of a one-stage detector goes.

Nothing here imports MindSpore.
"""

DECODED, RAW, NMS = "decoded", "raw", "nms"

FORMS = {
    DECODED: "boxes 0-1 and sigmoid scores, as the old exported models",
    RAW: "what the heads give",
    NMS: "selected boxes, scores and labels",
}
"""Output form -> what the graph gives; the first is the default."""

OUTPUTS = {
    DECODED: ("boxes", "scores"),
    RAW: ("box_deltas", "class_logits"),
    NMS: ("boxes", "scores", "labels"),
}
"""Output form -> names of the outputs in order."""

MOST_CANDIDATES = 1000
"""Pairs of a box and a class that the graph of form "nms" looks at, the best ones."""

_BOXES = "y0 x0 y1 x1, relative to the image, clipped to 0-1"
WORDS = {
    DECODED: (_BOXES, "sigmoid, column 0 is the background"),
    RAW: (
        "offsets dy dx dh dw from the anchors, not decoded",
        "logits, column 0 is the background; the score is the sigmoid",
    ),
    NMS: (
        f"{_BOXES}; zeros in empty slots",
        "sigmoid, falling; 0 in empty slots, whose label is -1; selected among the "
        f"{MOST_CANDIDATES} best pairs of a box and a class",
    ),
}
"""Output form -> what the boxes and what the scores are."""
