"""Non-maximum suppression, per class or over all classes: exact, at the speed of the few boxes that matter.

An untrained net scores millions of box/class pairs above the threshold, but a class stops after
`max_per_class` boxes. So the best few hundred of every class are found with a threshold estimated from a
sample of the rows, sorted and suppressed; a class that is not full after them is done again with all its
candidates. The result is that of the plain algorithm, box for box; among equal scores the lower anchor goes
first.
"""

import numpy as np

from ms_core.detection.detections import Detections
from ms_core.detection.greedy import OverlapRule, greedy

_TARGET = 400
"""Candidates per class that the sampled thresholds aim at; keeping 100 boxes rarely takes more."""
_SAMPLE = 2048
"""Rows the thresholds are estimated from."""


def multiclass_nms(
    boxes: np.ndarray,
    scores: np.ndarray,
    *,
    min_score: float = 0.1,
    iou_threshold: float = 0.6,
    max_per_class: int = 100,
    max_detections: int | None = None,
    plus_one: bool = False,
    class_agnostic: bool = False,
    background: bool = False,
) -> Detections:
    """Keep the best of overlapping boxes, each class for itself.

    Args:
        boxes: float32 [N, 4] as (x0, y0, x1, y1), pixels.
        scores: float32 [N, C], 0-1. NaN counts as no detection.
        min_score: only scores greater than this count; strict.
        iou_threshold: a box survives a better one of its class up to and including this overlap.
        max_per_class: boxes kept for each class.
        max_detections: boxes kept for the image, best first (COCO evaluates 100); None keeps all.
        plus_one: measure boxes in whole pixels (x1 - x0 + 1), as the old zoo does.
        class_agnostic: a box counts for its best class only (the lower of equal ones) and drops weaker boxes of
            every class; `max_per_class` is applied after that.
        background: column 0 of `scores` is the background: not looked at, and labels count from column 1. A slice
            without it would be scanned at an eighth of the speed.

    Returns:
        Detections, best score first.
    """
    boxes, scores = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    lowest = np.float32(min_score)  # compared in float32, as the scores are
    rule = OverlapRule(iou_threshold, plus_one)
    if class_agnostic:
        found = _agnostic(
            _best_classes(boxes, scores, lowest, background), rule, max_per_class, max_detections
        )
    else:
        rows, columns = _per_class(boxes, scores, lowest, rule, max_per_class, background)
        found = Detections(boxes[rows], scores[rows, columns], columns - background)
    return _best(found, max_detections)


def merge_detections(
    found: Detections,
    *,
    iou_threshold: float = 0.6,
    max_per_class: int = 100,
    max_detections: int | None = None,
    plus_one: bool = False,
    class_agnostic: bool = False,
) -> Detections:
    """`multiclass_nms` of boxes that have their class already, such as those of several views of one picture.

    Args:
        found: in any order; among equal scores the first goes first.
        iou_threshold, max_per_class, max_detections, plus_one, class_agnostic: as for `multiclass_nms`.

    Returns:
        Detections, best score first.
    """
    rule = OverlapRule(iou_threshold, plus_one)
    if class_agnostic:
        return _best(_agnostic(found, rule, max_per_class, max_detections), max_detections)
    order = np.lexsort((-found.scores, found.labels))
    ordered = np.asfortranarray(found.boxes[order])
    bounds = np.flatnonzero(np.diff(found.labels[order], prepend=-1, append=-1))
    kept = [np.zeros(0, np.intp)]
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        kept.append(start + greedy(ordered[start:end], rule, max_per_class))
    return _best(found.select(order[np.concatenate(kept)]), max_detections)


def _best(found: Detections, most: int | None) -> Detections:
    return found.best(len(found) if most is None else most)


def _per_class(
    boxes: np.ndarray,
    scores: np.ndarray,
    lowest: np.float32,
    rule: OverlapRule,
    most: int,
    background: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of `scores` that survive, class after class."""
    thresholds, candidates = _thresholds(scores, lowest, background)
    rows, columns = _by_class(scores, candidates)
    ordered = np.asfortranarray(boxes[rows])
    starts = np.searchsorted(columns, np.arange(scores.shape[1] + 1))
    unfinished = (thresholds > lowest) & np.isfinite(thresholds)
    kept_rows, kept_columns = [np.zeros(0, np.intp)], [np.zeros(0, np.int32)]
    for column in np.flatnonzero(np.diff(starts) | unfinished).tolist():
        start, end = starts[column], starts[column + 1]
        kept = rows[start + greedy(ordered[start:end], rule, most)]
        if len(kept) < most and unfinished[column]:
            everything = _all_of(scores[:, column], lowest)
            kept = everything[greedy(np.asfortranarray(boxes[everything]), rule, most)]
        kept_rows.append(kept)
        kept_columns.append(np.full(len(kept), column, np.int32))
    return np.concatenate(kept_rows), np.concatenate(kept_columns)


def _thresholds(scores: np.ndarray, lowest: np.float32, background: bool) -> tuple[np.ndarray, np.ndarray]:
    """Score above which a class is looked at first, [C] (infinite: never), and bool [N, C] of what lies above it."""
    thresholds = np.full(scores.shape[1], lowest, np.float32)
    thresholds[: int(background)] = np.inf
    candidates = scores > lowest
    candidates[:, : int(background)] = False
    if np.count_nonzero(candidates) <= _TARGET * scores.shape[1]:
        return thresholds, candidates
    sample = np.ascontiguousarray(np.nan_to_num(_some_rows(scores)).T)  # [C, sample]
    position = sample.shape[1] - 1 - _TARGET * sample.shape[1] // len(scores)
    sample.partition(position, axis=1)
    thresholds = np.maximum(thresholds, sample[:, position])
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
    """Rows and columns of the candidates, ordered by column, then best score, then row."""
    rows, columns = np.divmod(_few_true(candidates.ravel()), max(scores.shape[1], 1))
    order = np.argsort(-scores[rows, columns], kind="stable")
    small = columns[order].astype(
        np.min_scalar_type(scores.shape[1])
    )  # up to 16 bits NumPy counts, not compares
    order = order[np.argsort(small, kind="stable")]
    return rows[order], columns[order]


def _few_true(flags: np.ndarray) -> np.ndarray:
    """`np.flatnonzero` of bool [n] for flags that are mostly false: eight at a time, six times as fast."""
    whole = len(flags) // 8 * 8
    words = np.flatnonzero(flags[:whole].view(np.uint64) != 0)
    near = np.concatenate(((words[:, None] * 8 + np.arange(8)).ravel(), np.arange(whole, len(flags))))
    return near[flags[near]]


def _all_of(scores: np.ndarray, lowest: np.float32) -> np.ndarray:
    """Rows of one class, [N], above `lowest`, best score first."""
    rows = np.flatnonzero(scores > lowest)
    return rows[np.argsort(-scores[rows], kind="stable")]


def _best_classes(boxes: np.ndarray, scores: np.ndarray, lowest: np.float32, background: bool) -> Detections:
    """Every box above `lowest` with its best class, the lower of equal ones."""
    rows = np.flatnonzero((scores > lowest).any(axis=1))
    known = np.nan_to_num(scores[rows, int(background) :])
    if not known.size:
        return Detections.empty()
    labels = known.argmax(axis=1)
    found = Detections(boxes[rows], known[np.arange(len(rows)), labels], labels)
    return found.above(float(lowest))  # a row may have been here for its background


def _agnostic(
    found: Detections, rule: OverlapRule, max_per_class: int, max_detections: int | None
) -> Detections:
    """Suppression over all classes, then the best `max_per_class` of each; at least the best `max_detections`."""
    found = found.best(len(found))
    ordered = np.asfortranarray(found.boxes)
    needed = len(found) + 1 if max_detections is None else max_detections
    most = needed
    while True:
        kept = found.select(greedy(ordered, rule, most))
        chosen = kept.select(_rank_in_class(kept.labels) < max_per_class)
        if len(chosen) >= needed or len(kept) < most:
            return chosen
        most *= 2  # full classes left too few


def _rank_in_class(labels: np.ndarray) -> np.ndarray:
    """How many of the same label come before, int [n]."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    rank = np.empty(len(labels), np.intp)
    rank[order] = np.arange(len(labels)) - np.searchsorted(ordered, ordered)
    return rank
