"""Which default box learns which object (SSD paper, section 2.2, with the old zoo's rules for ties)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

import numpy as np

from ms_core.detection.anchors import Anchors
from ms_core.detection.coding import encode_boxes

FORCED_IOU = np.float32(2.0)
"""Overlap given to a box's best anchor; above any real overlap, so no later box can take that anchor away."""

_ONE_PASS = 4096
"""Up to so many anchors, looking at all costs less than choosing among them."""


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
    loc = np.zeros((len(anchors), 4), np.float32)
    label = np.zeros(len(anchors), np.int32)
    return loc, label, fill_targets(loc, label, boxes_tlbr, labels, anchors, threshold, variance)


def fill_targets(
    loc: np.ndarray,
    label: np.ndarray,
    boxes_tlbr: np.ndarray,
    labels: np.ndarray,
    anchors: Anchors,
    threshold: float = 0.5,
    variance: tuple[float, float] = (0.1, 0.2),
) -> int:
    """`encode_targets` into arrays of zeros, rows of a batch for instance; returns the number of matched anchors."""
    boxes_tlbr = np.asarray(boxes_tlbr, np.float32).reshape(-1, 4)
    owner = match_anchors(boxes_tlbr, anchors, threshold)
    taken = np.flatnonzero(owner >= 0)
    if len(taken):
        label[taken] = np.asarray(labels)[owner[taken]]
    positive = taken[label[taken] != 0]
    loc[positive] = encode_boxes(boxes_tlbr[owner[positive]], anchors.xywh[positive], variance)
    return len(positive)


def match_anchors(boxes_tlbr: np.ndarray, anchors: Anchors, threshold: float) -> np.ndarray:
    """Index of the box each anchor learns, -1 for none: float32 [g, 4] -> int64 [N]. See `encode_targets`."""
    best = np.zeros(len(anchors), np.float32)
    owner = np.full(len(anchors), -1, np.int64)
    for index, box in enumerate(boxes_tlbr):
        parts, favourite = _candidates(box, anchors, float(np.float32(threshold)))
        for start, iou in parts:
            chosen = start + np.flatnonzero(iou > np.float32(threshold))
            chosen = chosen[iou[chosen - start] > best[chosen]]
            best[chosen] = iou[chosen - start]
            owner[chosen] = index
        if best[favourite] < FORCED_IOU:
            best[favourite], owner[favourite] = FORCED_IOU, index
    return owner


@dataclass(frozen=True, eq=False)
class _Level:
    """Consecutive rows of anchors, each at least as far down the image as the one before."""

    starts: np.ndarray
    """int64 [R + 1]: index of the first anchor of every row, and the end."""
    tops: np.ndarray
    """float32 [R]: least y0 of every row, ascending."""
    bottoms: np.ndarray
    """float32 [R]: largest y1 of every row, ascending."""
    areas: tuple[float, float]
    """Of its smallest and its largest anchor."""

    def bound(self, area: float) -> float:
        """No anchor here overlaps a box of that area by more: IoU is at most the ratio of the areas."""
        least, most = self.areas
        ratio = min(area / least, most / area, 1.0) if area > 0 else 0.0
        return ratio * 1.0001  # far above what float32 rounds

    def touching(self, y0: float, y1: float) -> slice:
        """The anchors of all rows that reach between two heights."""
        first = int(self.bottoms.searchsorted(y0, "right"))
        last = max(int(self.tops.searchsorted(y1, "left")), first)
        return slice(int(self.starts[first]), int(self.starts[last]))


def _candidates(
    box: np.ndarray, anchors: Anchors, threshold: float
) -> tuple[list[tuple[int, np.ndarray]], int]:
    """Every anchor that may overlap a box [4] by more than `threshold`, and the box's best anchor of all.

    Levels are taken by how well the size of their anchors fits; one that can hold neither is not looked at.

    Returns:
        ([(index of the first anchor, IoU [n] of it and the next ones)], index of the first of the best).
    """
    area = float((box[2] - box[0]) * (box[3] - box[1]))
    parts: list[tuple[int, np.ndarray]] = []
    top, favourite = 0.0, 0  # a box that touches no anchor takes the first
    levels = [(level.bound(area), level) for level in _levels(anchors)]
    for bound, level in sorted(levels, key=itemgetter(0), reverse=True):
        if bound < threshold and bound < top:
            break
        part = level.touching(box[0], box[2])
        if bound <= 0 or part.start == part.stop:
            continue
        iou = _overlap(box, anchors, part)
        best = int(iou.argmax())
        value, index = float(iou[best]), part.start + best
        if value > top or (value == top > 0 and index < favourite):
            top, favourite = value, index
        if value > threshold:
            parts.append((part.start, iou))
    return parts, favourite


def _overlap(box: np.ndarray, anchors: Anchors, part: slice) -> np.ndarray:
    """IoU of one box [4] with some anchors, [n]; nothing clipped, 0 for a box without area."""
    y0, x0, y1, x1 = anchors.edges[:, part]
    height = np.minimum(y1, box[2]) - np.maximum(y0, box[0])
    width = np.minimum(x1, box[3]) - np.maximum(x0, box[1])
    inter = np.maximum(height, 0) * np.maximum(width, 0)
    union = anchors.areas[part] + (box[2] - box[0]) * (box[3] - box[1]) - inter
    return inter / union


@lru_cache(maxsize=16)
def _levels(anchors: Anchors) -> tuple[_Level, ...]:
    """Rows (anchors of one centre height) grouped as long as they go down the image; few anchors are one row."""
    if len(anchors) <= _ONE_PASS:
        rows = np.zeros(1, np.int64)
    else:
        rows = np.flatnonzero(np.diff(anchors.xywh[:, 0], prepend=np.nan) != 0)
    starts = np.append(rows, len(anchors))
    tops = np.minimum.reduceat(anchors.edges[0], rows)
    bottoms = np.maximum.reduceat(anchors.edges[2], rows)
    breaks = np.flatnonzero((np.diff(tops) < 0) | (np.diff(bottoms) < 0)) + 1
    levels = []
    for first, last in zip([0, *breaks], [*breaks, len(rows)], strict=True):
        areas = anchors.areas[starts[first] : starts[last]]
        span = float(areas.min()), float(areas.max())
        levels.append(_Level(starts[first : last + 1], tops[first:last], bottoms[first:last], span))
    return tuple(levels)
