"""Confusion matrix: small cases by hand, sums on random ones."""

from typing import Any

import numpy as np
import pytest
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.evaluation.confusion import ConfusionMatrix

BOXES = np.array([[0, 0, 10, 10], [20, 20, 40, 40], [60, 60, 70, 70]], np.float32)


def test_right_wrong_missed_and_invented() -> None:
    matrix = ConfusionMatrix(["cat", "dog"])
    found = Detections(
        np.array([[0, 0, 10, 9], [20, 20, 40, 38], [80, 80, 90, 90], [60, 60, 70, 70]]),
        np.array([0.9, 0.8, 0.7, 0.1]),  # the last is below the score limit
        np.array([0, 0, 1, 1]),
    )
    matrix.update(BOXES, np.array([0, 1, 1]), found)
    np.testing.assert_array_equal(matrix.counts, [[1, 0, 0], [1, 0, 1], [0, 1, 0]])


def test_best_overlap_is_paired_first() -> None:
    matrix = ConfusionMatrix(["cat", "dog"])
    found = Detections(np.array([[0, 0, 10, 6], [0, 0, 10, 10]]), np.array([0.9, 0.5]), np.array([1, 0]))
    matrix.update(BOXES[:1], np.array([0]), found)
    np.testing.assert_array_equal(matrix.counts, [[1, 0, 0], [0, 0, 0], [0, 1, 0]])


def test_ignored_objects_do_not_count() -> None:
    matrix = ConfusionMatrix(["cat", "dog"])
    found = Detections(BOXES, np.array([0.9, 0.9, 0.9]), np.array([0, 1, 1]))
    matrix.update(BOXES, np.array([0, 1, 1]), found, ignored=np.array([True, False, True]))
    np.testing.assert_array_equal(matrix.counts, [[0, 0, 0], [0, 1, 0], [0, 0, 0]])


def test_empty_sides() -> None:
    matrix = ConfusionMatrix(["cat", "dog"])
    matrix.update(BOXES, np.array([0, 1, 1]), Detections.empty())
    matrix.update(np.zeros((0, 4)), np.zeros(0), Detections(BOXES, np.full(3, 0.9), np.array([0, 1, 1])))
    matrix.update(np.zeros((0, 4)), np.zeros(0), Detections.empty())
    np.testing.assert_array_equal(matrix.counts, [[0, 0, 1], [0, 0, 2], [1, 2, 0]])


def test_sums_are_objects_and_detections(example: Any) -> None:
    ids = {3: 0, 7: 1, 40: 2}
    whole, halves = ConfusionMatrix("abc"), [ConfusionMatrix("abc"), ConfusionMatrix("abc")]
    for index, (image_id, found) in enumerate(example.detections.items()):
        entries = [a for a in example.truth["annotations"] if a["image_id"] == image_id]
        boxes = np.array(
            [[*a["bbox"][:2], a["bbox"][0] + a["bbox"][2], a["bbox"][1] + a["bbox"][3]] for a in entries]
        )
        labels = np.array([ids[a["category_id"]] for a in entries])
        whole.update(boxes, labels, found)
        halves[index % 2].update(boxes, labels, found)
    halves[0].merge(halves[1])
    np.testing.assert_array_equal(halves[0].counts, whole.counts)
    assert whole.counts[:-1].sum() == len(example.truth["annotations"])
    assert whole.counts[:, :-1].sum() == sum(len(found.above(0.3)) for found in example.detections.values())


def test_merge_of_other_classes_is_refused() -> None:
    with pytest.raises(UserError, match="different classes"):
        ConfusionMatrix("ab").merge(ConfusionMatrix("ac"))
