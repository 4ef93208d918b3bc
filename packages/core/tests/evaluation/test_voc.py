"""VOC's AP, by hand and against a plain reading of its rules."""

import numpy as np
import pytest
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco import CocoEvaluator
from ms_core.evaluation.voc import average_precision


def truth(*boxes: tuple[list[float], int]) -> dict:
    """One image, one class; (bbox, difficult)."""
    return {
        "images": [{"id": 1}, {"id": 2}],
        "categories": [{"id": 4, "name": "cat"}],
        "annotations": [
            {"image_id": 1, "category_id": 4, "bbox": box, "difficult": difficult} for box, difficult in boxes
        ],
    }


def voc_ap50(ground_truth: dict, boxes: list[list[float]], scores: list[float]) -> float | None:
    evaluator = CocoEvaluator(ground_truth, voc_ap50=True)
    evaluator.update(1, Detections(np.array(boxes), np.array(scores), np.zeros(len(boxes))), [4])
    return evaluator.compute().voc_ap50


def test_area_by_hand() -> None:
    # right, wrong, right of 3 objects: precision 1 up to recall 1/3, 2/3 up to 2/3, then nothing
    assert average_precision(np.array([True, False, True]), 3) == pytest.approx(1 / 3 + 2 / 9)
    assert average_precision(np.array([False, True]), 1) == pytest.approx(0.5)
    assert average_precision(np.zeros(0, bool), 2) == 0
    assert average_precision(np.zeros(3, bool), 0) == -1


def test_eleven_points_by_hand() -> None:
    # precision 1 at recall 0, .1, .2, .3; 2/3 at .4, .5, .6; nothing beyond 2/3
    right = np.array([True, False, True])
    assert average_precision(right, 3, "11-point") == pytest.approx((4 + 3 * 2 / 3) / 11)
    assert (
        average_precision(np.ones(10, bool), 10, "11-point") == 1
    )  # every tenth is reached, rounding or not
    assert average_precision(np.zeros(0, bool), 2, "11-point") == 0
    assert average_precision(np.zeros(3, bool), 0, "11-point") == -1


def test_the_evaluator_follows_the_rule() -> None:
    evaluator = CocoEvaluator(
        truth(([0, 0, 10, 10], 0), ([50, 50, 10, 10], 0)), voc_ap50=True, voc_rule="11-point"
    )
    evaluator.update(1, Detections(np.array([[0.0, 0, 10, 10]]), np.array([0.5]), np.zeros(1)), [4])
    assert evaluator.compute().voc_ap50 == pytest.approx(6 / 11)


def test_second_detection_of_an_object_is_wrong() -> None:
    ground_truth = truth(([0, 0, 10, 10], 0), ([50, 50, 10, 10], 0))
    found = [[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]]
    assert voc_ap50(ground_truth, found, [0.9, 0.8, 0.7]) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_difficult_object_neither_helps_nor_harms() -> None:
    ground_truth = truth(([0, 0, 10, 10], 0), ([50, 50, 10, 10], 1))
    assert voc_ap50(ground_truth, [[0, 0, 10, 10], [50, 50, 60, 60]], [0.5, 0.9]) == pytest.approx(1)
    assert voc_ap50(ground_truth, [[0, 0, 10, 10]], [0.5]) == pytest.approx(1)


def test_detection_on_an_image_without_objects_is_wrong() -> None:
    evaluator = CocoEvaluator(truth(([0, 0, 10, 10], 0)), voc_ap50=True)
    box = np.array([[0.0, 0, 10, 10]])
    evaluator.update(1, Detections(box, np.array([0.5]), np.zeros(1)), [4])
    evaluator.update(2, Detections(box, np.array([0.9]), np.zeros(1)), [4])
    assert evaluator.compute().voc_ap50 == pytest.approx(0.5)


def test_overlap_limit_is_inclusive() -> None:
    ground_truth = truth(([0, 0, 10, 10], 0))
    assert voc_ap50(ground_truth, [[0, 0, 10, 5]], [0.5]) == pytest.approx(1)
    assert voc_ap50(ground_truth, [[0, 0, 10, 4.9]], [0.5]) == 0
