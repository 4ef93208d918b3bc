"""Which default box learns which object (SSD paper, section 2.2, with the old zoo's rules for ties)."""

import numpy as np

from ms_core.detection.anchors import Anchors
from ms_core.detection.coding import encode_boxes

FORCED_IOU = np.float32(2.0)
"""Overlap given to a box's best anchor; above any real overlap, so no later box can take that anchor away."""


def encode_targets(
    boxes_tlbr: np.ndarray,
    labels: np.ndarray,
    anchors: Anchors,
    threshold: float = 0.5,
    variance: tuple[float, float] = (0.1, 0.2),
) -> tuple[np.ndarray, np.ndarray, int]:
    """Targets of one image.

    Boxes are taken in file order; a later box takes an anchor only with a strictly larger overlap. Every box
    also takes its best anchor (the first of equals) even below `threshold`, unless an earlier box was forced
    onto it.

    Args:
        boxes_tlbr: float32 [g, 4] as (y0, x0, y1, x1), relative to the image (0-1).
        labels: int [g], 1..K; 0 is background.
        anchors: default boxes of the network.
        threshold: overlap above which (strictly) an anchor learns a box.
        variance: see `encode_boxes`.

    Returns:
        (loc float32 [N, 4], zero where the label is 0; label int32 [N]; number of anchors whose label is not
        0).
    """
    boxes_tlbr = np.asarray(boxes_tlbr, np.float32).reshape(-1, 4)
    owner = match_anchors(boxes_tlbr, anchors, threshold)
    loc = np.zeros((len(anchors), 4), np.float32)
    label = np.zeros(len(anchors), np.int32)
    taken = np.flatnonzero(owner >= 0)
    label[taken] = np.asarray(labels)[owner[taken]] if len(taken) else 0
    positive = np.flatnonzero(label)
    loc[positive] = encode_boxes(boxes_tlbr[owner[positive]], anchors.xywh[positive], variance)
    return loc, label, len(positive)


def match_anchors(boxes_tlbr: np.ndarray, anchors: Anchors, threshold: float) -> np.ndarray:
    """Index of the box each anchor learns, -1 for none: float32 [g, 4] -> int64 [N]. See `encode_targets`."""
    best = np.zeros(len(anchors), np.float32)
    owner = np.full(len(anchors), -1, np.int64)
    for index, box in enumerate(boxes_tlbr):
        iou = _overlap(box, anchors)
        iou[iou.argmax()] = FORCED_IOU
        chosen = np.flatnonzero(iou > threshold)
        chosen = chosen[iou[chosen] > best[chosen]]
        best[chosen] = iou[chosen]
        owner[chosen] = index
    return owner


def _overlap(box: np.ndarray, anchors: Anchors) -> np.ndarray:
    """IoU of one box [4] with every anchor, [N]; nothing clipped, 0 for a box without area."""
    y0, x0, y1, x1 = anchors.edges
    height = np.minimum(y1, box[2]) - np.maximum(y0, box[0])
    width = np.minimum(x1, box[3]) - np.maximum(x0, box[1])
    inter = np.maximum(height, 0) * np.maximum(width, 0)
    union = anchors.areas + (box[2] - box[0]) * (box[3] - box[1]) - inter
    return inter / union
