"""The fast suppression against the plain one: the same boxes, always."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.detection import greedy, nms
from ms_core.detection.detections import Detections
from ms_core.detection.nms import merge_detections, multiclass_nms


def naive_nms(
    boxes: np.ndarray,
    scores: np.ndarray,
    min_score: float = 0.1,
    iou_threshold: float = 0.6,
    max_per_class: int = 100,
    plus_one: bool = False,
) -> set[tuple[int, int]]:
    """The plain algorithm: (row, class) of every box kept; among equal scores the lower row first."""
    return {
        (row, label)
        for label in range(scores.shape[1])
        for row in _one_class(boxes, scores[:, label], min_score, iou_threshold, max_per_class, int(plus_one))
    }


def _one_class(
    boxes: np.ndarray, scores: np.ndarray, min_score: float, iou_threshold: float, most: int, extra: int
) -> list[int]:
    x0, y0, x1, y1 = boxes.T
    areas = (x1 - x0 + extra) * (y1 - y0 + extra)
    rows = np.flatnonzero(scores > min_score)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    kept: list[int] = []
    while len(rows) and len(kept) < most:
        best, rows = int(rows[0]), rows[1:]
        kept.append(best)
        width = np.maximum(np.minimum(x1[best], x1[rows]) - np.maximum(x0[best], x0[rows]) + extra, 0)
        height = np.maximum(np.minimum(y1[best], y1[rows]) - np.maximum(y0[best], y0[rows]) + extra, 0)
        shared = width * height
        union = np.maximum(areas[best] + areas[rows] - shared, np.finfo(np.float32).tiny)
        rows = rows[shared / union <= iou_threshold]
    return kept


def random_boxes(rng: np.random.Generator, count: int, side: float = 100, step: float = 0.25) -> np.ndarray:
    low = rng.integers(0, side / step, (count, 2)) * step
    return np.concatenate((low, low + rng.integers(0, side / 3 / step, (count, 2)) * step), axis=1).astype(
        np.float32
    )


def assert_same(boxes: np.ndarray, scores: np.ndarray, **rules: float) -> None:
    found = multiclass_nms(boxes, scores, **rules)
    expected = naive_nms(boxes, scores, **rules)
    ours = sorted(
        zip(found.labels.tolist(), found.scores.tolist(), map(tuple, found.boxes.tolist()), strict=True)
    )
    theirs = sorted((label, float(scores[row, label]), tuple(boxes[row].tolist())) for row, label in expected)
    assert ours == theirs
    assert (np.diff(found.scores) <= 0).all()


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 300),
    classes=st.integers(1, 4),
    levels=st.sampled_from([3, 50, 10**6]),
    min_score=st.sampled_from([0.0, 0.1, 0.5, 0.99]),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
    max_per_class=st.sampled_from([1, 5, 100]),
    plus_one=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_equal_to_the_plain_algorithm(
    seed: int, count: int, classes: int, levels: int, **rules: float
) -> None:
    """Few score levels make many ties; few boxes make classes run dry."""
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, levels, (count, classes)) / levels).astype(np.float32)
    assert_same(random_boxes(rng, count), scores, **rules)


def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, size in (
        (nms, "_TARGET", 60),
        (nms, "_SAMPLE", 128),
        (greedy, "_CHUNK", 16),
        (greedy, "_LONGEST_BLOCK", 64),
        (greedy, "_MOST_PAIRS", 800),
    ):
        monkeypatch.setattr(module, name, size)


@pytest.mark.parametrize("kind", ["spread", "same box", "ties", "one hot class"])
@pytest.mark.parametrize("seed", range(6))
def test_equal_through_sampling_and_fallback(kind: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which 1,500 boxes take every route: sampling, many chunks, fallback."""
    small_steps(monkeypatch)
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng, 1500, side=3000 if kind == "spread" else 60)
    scores = rng.random((1500, 3), np.float32)
    if kind == "same box":
        boxes[:] = (0, 0, 9, 9)
    elif kind == "ties":
        scores[:] = np.float32(0.5)
    elif kind == "one hot class":
        scores[:, 1:] *= 0.05
    assert_same(boxes, scores)


def test_real_sizes_with_untrained_scores() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(12804, 5)).astype(np.float32)
    assert_same(random_boxes(rng, 12804, side=320), 1 / (1 + np.exp(-logits)))


def test_threshold_is_strict_for_scores_and_not_for_overlap() -> None:
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 4], [0, 0, 9, 5]], np.float32)  # IoU with the first: .5 and .6
    scores = np.array([[0.9], [0.8], [0.1]], np.float32)
    assert len(multiclass_nms(boxes, scores, iou_threshold=0.5, plus_one=True)) == 2
    assert len(multiclass_nms(boxes, scores, iou_threshold=0.49, plus_one=True)) == 1
    assert len(multiclass_nms(boxes, scores, min_score=0.09, iou_threshold=1.0)) == 3


def test_caps_for_class_and_image() -> None:
    rng = np.random.default_rng(0)
    boxes = np.stack([np.arange(200) * 20, np.zeros(200), np.arange(200) * 20 + 5, np.full(200, 5)], axis=1)
    scores = rng.uniform(0.2, 1, (200, 3)).astype(np.float32)
    assert len(multiclass_nms(boxes, scores)) == 300
    found = multiclass_nms(boxes, scores, max_detections=100)
    assert len(found) == 100
    assert found.scores.min() >= np.sort(scores.ravel())[-100]


def test_standard_and_zoo_areas_differ_on_small_boxes() -> None:
    """10 and 5 pixels high: IoU 4/9 as measured by COCO, 5/10 with a pixel more on every side."""
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 4]], np.float32)
    scores = np.array([[0.9], [0.8]], np.float32)
    assert len(multiclass_nms(boxes, scores, iou_threshold=0.45)) == 2
    assert len(multiclass_nms(boxes, scores, iou_threshold=0.45, plus_one=True)) == 1


@pytest.mark.parametrize("agnostic", [False, True])
def test_the_background_column_is_not_looked_at(agnostic: bool) -> None:
    rng = np.random.default_rng(1)
    boxes, scores = random_boxes(rng, 5000), rng.random((5000, 5), np.float32)
    scores[:, 0] = 1
    rules = {"class_agnostic": agnostic, "max_detections": 200}
    found = multiclass_nms(boxes, scores, background=True, **rules)
    expected = multiclass_nms(boxes, scores[:, 1:].copy(), **rules)
    for name in ("boxes", "scores", "labels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 200),
    levels=st.sampled_from([3, 10**6]),
    iou_threshold=st.sampled_from([0.0, 0.3, 0.6, 1.0]),
    max_per_class=st.sampled_from([1, 5, 100]),
    max_detections=st.sampled_from([None, 1, 20]),
)
@settings(max_examples=100, deadline=None)
def test_class_agnostic_is_one_suppression_of_best_classes(
    seed: int, count: int, levels: int, iou_threshold: float, max_per_class: int, max_detections: int | None
) -> None:
    rng = np.random.default_rng(seed)
    boxes = random_boxes(rng, count)
    scores = (rng.integers(0, levels, (count, 3)) / levels).astype(np.float32)
    found = multiclass_nms(
        boxes,
        scores,
        iou_threshold=iou_threshold,
        class_agnostic=True,
        max_per_class=max_per_class,
        max_detections=max_detections,
    )
    best = scores.max(axis=1, initial=0)
    expected: list[tuple] = []
    for row in _one_class(boxes, best, 0.1, iou_threshold, count, 0):
        label = int(scores[row].argmax())
        if sum(label == kept[0] for kept in expected) < max_per_class:
            expected.append((label, float(best[row]), tuple(boxes[row].tolist())))
    rows = zip(found.labels.tolist(), found.scores.tolist(), map(tuple, found.boxes.tolist()), strict=True)
    assert list(rows) == expected[:max_detections]


def test_class_agnostic_ignores_scores_that_are_no_number() -> None:
    scores = np.array([[np.nan, 0.5], [0.4, np.nan], [np.nan, np.nan]], np.float32)
    boxes = np.array([[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]], np.float32)
    found = multiclass_nms(boxes, scores, class_agnostic=True)
    assert found.labels.tolist() == [1, 0]


@pytest.mark.parametrize("agnostic", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_merging_detections_is_the_same_suppression(
    seed: int, agnostic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_steps(monkeypatch)
    rng = np.random.default_rng(seed)
    boxes, labels = random_boxes(rng, 600), rng.integers(0, 4, 600)
    scores = np.zeros((600, 4), np.float32)
    scores[np.arange(600), labels] = rng.uniform(0.2, 1, 600)
    rules = {"class_agnostic": agnostic, "iou_threshold": 0.3, "max_per_class": 40}
    merged = merge_detections(Detections(boxes, scores.max(axis=1), labels), **rules)
    expected = multiclass_nms(boxes, scores, **rules)
    np.testing.assert_array_equal(merged.boxes, expected.boxes)
    np.testing.assert_array_equal(merged.labels, expected.labels)
    assert len(merge_detections(Detections.empty(), **rules)) == 0


def test_no_candidate_no_class_no_number() -> None:
    assert len(multiclass_nms(np.zeros((5, 4)), np.zeros((5, 3)))) == 0
    assert len(multiclass_nms(np.zeros((0, 4)), np.zeros((0, 3)))) == 0
    assert len(multiclass_nms(np.zeros((5, 4)), np.zeros((5, 0)))) == 0
    assert len(multiclass_nms(np.zeros((5, 4)), np.full((5, 3), np.nan))) == 0
    assert len(multiclass_nms(np.zeros((0, 4)), np.zeros((0, 3)), class_agnostic=True)) == 0
    assert len(multiclass_nms(np.zeros((5, 4)), np.zeros((5, 0)), class_agnostic=True)) == 0
