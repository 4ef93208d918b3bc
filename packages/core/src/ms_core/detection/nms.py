"""Greedy non-maximum suppression, per class and exact, at the speed of the few boxes that matter.

An untrained net scores millions of box/class pairs above the threshold, but a class stops after
`max_per_class` boxes. So the best few hundred of every class are found with a threshold estimated from a
sample of the rows, sorted and suppressed in chunks; a class that is not full after them goes on with all its
remaining candidates. The result is that of the plain algorithm, box for box; among equal scores the lower
anchor goes first.
"""

from dataclasses import dataclass

import numpy as np

from ms_core.detection.boxes import box_iou
from ms_core.detection.detections import Detections

_TARGET = 400
"""Candidates per class that the sampled thresholds aim at; keeping 100 boxes rarely takes more."""
_SAMPLE = 2048
"""Rows the thresholds are estimated from."""
_CHUNK = 128
"""Candidates whose mutual overlaps are computed at once."""
_LONGEST_BLOCK = 8192
"""Candidates compared with the kept boxes at once."""


@dataclass(frozen=True)
class _Rule:
    """When a box is dropped and when a class is full."""

    iou_threshold: float
    max_kept: int
    plus_one: bool


def multiclass_nms(
    boxes: np.ndarray,
    scores: np.ndarray,
    *,
    min_score: float = 0.1,
    iou_threshold: float = 0.6,
    max_per_class: int = 100,
    max_detections: int | None = None,
    plus_one: bool = True,
) -> Detections:
    """Keep the best of overlapping boxes, each class for itself.

    Args:
        boxes: float32 [N, 4] as (x0, y0, x1, y1), pixels.
        scores: float32 [N, C], 0-1, without the background column. NaN counts as no detection.
        min_score: only scores greater than this count; strict.
        iou_threshold: a box survives a better one of its class up to and including this overlap.
        max_per_class: boxes kept for each class.
        max_detections: boxes kept for the image, best first (COCO evaluates 100); None keeps all.
        plus_one: measure boxes in whole pixels (x1 - x0 + 1), as the old code does.

    Returns:
        Detections, best score first.
    """
    boxes, scores = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    lowest = np.float32(min_score)  # compared in float32, as the scores are
    rule = _Rule(iou_threshold, max_per_class, plus_one)
    thresholds, candidates = _thresholds(scores, lowest)
    rows, labels = _by_class(scores, candidates)
    starts = np.searchsorted(labels, np.arange(scores.shape[1] + 1))
    kept_rows, kept_labels = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for label in np.flatnonzero(np.diff(starts) | (thresholds > lowest)).tolist():
        kept = _greedy(boxes, rows[starts[label] : starts[label + 1]], rule)
        if len(kept) < max_per_class and thresholds[label] > lowest:
            kept = _greedy(boxes, _remaining(scores[:, label], lowest, thresholds[label]), rule, kept)
        kept_rows.append(kept)
        kept_labels.append(np.full(len(kept), label, np.int32))
    row, column = np.concatenate(kept_rows), np.concatenate(kept_labels)
    found = Detections(boxes[row], scores[row, column], column)
    return found.best(len(found) if max_detections is None else max_detections)


def _thresholds(scores: np.ndarray, min_score: np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Score above which a class is looked at first, [C], and bool [N, C] of what lies above it."""
    thresholds = np.full(scores.shape[1], min_score, np.float32)
    candidates = scores > min_score
    if np.count_nonzero(candidates) <= _TARGET * scores.shape[1]:
        return thresholds, candidates
    sample = np.nan_to_num(_some_rows(scores))
    position = len(sample) - 1 - _TARGET * len(sample) // len(scores)
    thresholds = np.maximum(thresholds, np.partition(sample, position, axis=0)[position])
    return thresholds, scores > thresholds


def _some_rows(scores: np.ndarray) -> np.ndarray:
    """At most `_SAMPLE` random rows.

    Not every n-th: anchors repeat with the grid, and a stride could meet one shape only. The seed is fixed; a
    bad sample costs time, never a box.
    """
    if len(scores) <= _SAMPLE:
        return scores
    return scores[np.random.default_rng(0).integers(len(scores), size=_SAMPLE)]


def _by_class(scores: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and classes of the candidates, ordered by class, then best score, then row."""
    flat = np.flatnonzero(candidates)
    rows, labels = np.divmod(flat, scores.shape[1])
    order = np.lexsort((-scores[rows, labels], labels))
    return rows[order], labels[order]


def _remaining(scores: np.ndarray, min_score: np.float32, threshold: np.float32) -> np.ndarray:
    """Rows of one class that `threshold` had set aside, best score first."""
    rows = np.flatnonzero((scores > min_score) & (scores <= threshold))
    return rows[np.argsort(-scores[rows], kind="stable")]


def _greedy(boxes: np.ndarray, rows: np.ndarray, rule: _Rule, kept: np.ndarray | None = None) -> np.ndarray:
    """Rows kept of one class: those in `kept` already, then of `rows`, best first, until the class is full.

    Blocks double in length, so that a class whose candidates all overlap is soon through; within a block what
    is left goes through in chunks, which bounds memory.
    """
    kept = rows[:0] if kept is None else kept
    start, length = 0, _CHUNK
    while start < len(rows) and len(kept) < rule.max_kept:
        block = _clear_of(boxes, rows[start : start + length], kept, rule)
        start, length = start + length, min(2 * length, _LONGEST_BLOCK)
        known = len(kept)
        for first in range(0, len(block), _CHUNK):
            chunk = _clear_of(boxes, block[first : first + _CHUNK], kept[known:], rule)
            kept = np.concatenate((kept, _suppress(boxes, chunk, rule)))
            if len(kept) >= rule.max_kept:
                break
    return kept[: rule.max_kept]


def _clear_of(boxes: np.ndarray, rows: np.ndarray, kept: np.ndarray, rule: _Rule) -> np.ndarray:
    """Those of `rows` that no kept box suppresses."""
    if not len(kept) or not len(rows):
        return rows
    overlap = box_iou(boxes[rows], boxes[kept], rule.plus_one)
    return rows[overlap.max(axis=1) <= rule.iou_threshold]


def _suppress(boxes: np.ndarray, rows: np.ndarray, rule: _Rule) -> np.ndarray:
    """Those of at most `_CHUNK` rows, best first, that survive one another."""
    clear = box_iou(boxes[rows], boxes[rows], rule.plus_one) <= rule.iou_threshold
    alive = np.ones(len(rows), bool)
    for index in range(len(rows) - 1):
        if alive[index]:
            alive[index + 1 :] &= clear[index, index + 1 :]
    return rows[alive]
