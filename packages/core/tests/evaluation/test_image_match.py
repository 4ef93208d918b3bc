"""Which detection found which object: COCO's rule, for every score threshold at once."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.image_match import match_image


def sample(boxes, labels, crowd=(), difficult=()) -> Sample:
    count = len(labels)
    flags = [np.isin(np.arange(count), chosen) for chosen in (crowd, difficult)]
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return Sample(
        1, Path("a.jpg"), 100, 100, boxes, np.array(labels, np.int32), *flags, np.ones(count, np.float32)
    )


def test_the_best_score_takes_the_object_and_the_second_is_a_false_alarm() -> None:
    image = sample([[0, 0, 10, 10]], [0])
    found = Detections(np.array([[0, 0, 10, 9], [0, 0, 10, 10]]), np.array([0.9, 0.4]), np.array([0, 0]))
    match = match_image(image, found)
    assert match.object_of.tolist() == [0, -1]
    assert match.false_alarms.tolist() == [False, True]
    np.testing.assert_allclose(match.iou, [0.9, 0])
    assert match.found(0.5).tolist() == [True]
    assert match.found(0.9).tolist() == [False]  # not above itself


def test_another_class_finds_nothing() -> None:
    found = Detections(np.array([[0, 0, 10, 10]]), np.array([0.9]), np.array([1]))
    match = match_image(sample([[0, 0, 10, 10]], [0]), found)
    assert match.false_alarms.all()
    assert not match.found(0).any()


def test_crowds_and_difficult_objects_neither_help_nor_hurt() -> None:
    image = sample([[0, 0, 100, 100], [0, 0, 10, 10], [50, 50, 60, 60]], [0, 0, 1], crowd=[0], difficult=[2])
    boxes = [[0, 0, 10, 10], [20, 20, 30, 30], [50, 50, 60, 60], [80, 80, 95, 95]]
    found = Detections(np.array(boxes), np.array([0.9, 0.8, 0.7, 0.6]), np.array([0, 0, 1, 1]))
    match = match_image(image, found)
    assert match.counted.tolist() == [False, True, False]
    assert match.hits.tolist() == [True, False, False, False]
    assert match.ignored.tolist() == [False, True, True, False]
    assert match.false_alarms.tolist() == [False, False, False, True]


def test_empty_sides() -> None:
    assert len(match_image(sample([], []), Detections.empty()).hits) == 0
    found = Detections(np.array([[0, 0, 10, 10]]), np.array([0.9]), np.array([0]))
    assert match_image(sample([], []), found).false_alarms.tolist() == [True]
    assert match_image(sample([[0, 0, 5, 5]], [0]), Detections.empty()).found(0).tolist() == [False]


@given(seed=st.integers(0, 2**32 - 1), threshold=st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_one_match_answers_for_every_score(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 40, (6, 2))
    boxes = np.concatenate((corners, corners + rng.uniform(5, 40, (6, 2))), axis=1).astype(np.float32)
    image = sample(boxes, rng.integers(0, 2, 6), crowd=[0], difficult=[1])
    near = np.repeat(boxes, 3, axis=0) + rng.normal(0, 2, (18, 4))
    found = Detections(near, rng.random(18), rng.integers(0, 2, 18))
    whole, alone = match_image(image, found).above(threshold), match_image(image, found.above(threshold))
    np.testing.assert_array_equal(whole.object_of, alone.object_of)
    np.testing.assert_array_equal(whole.iou, alone.iou)
    np.testing.assert_array_equal(whole.false_alarms, alone.false_alarms)
