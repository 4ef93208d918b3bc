"""Detections of one picture against detectron2's, and what is dropped."""

from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from ms_defrcn.box_coding import ROI_WEIGHTS, clip, decode
from ms_defrcn.config import PostprocessConfig
from ms_defrcn.postprocess import postprocess

GOLDEN = Path(__file__).parent / "golden"


def _one(box: list[float], score: float, classes: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One region that sees class 0 in `box`, of `classes`."""
    boxes = np.tile(np.array(box, np.float32), (1, classes, 1))
    scores = np.zeros((1, classes + 1), np.float32)
    scores[0, 0], scores[0, -1] = score, 1 - score
    return boxes, scores, np.ones(1, bool)


@pytest.mark.parametrize("stage", ["base", "fsod"])
def test_detections_are_those_of_detectron2(stage: str) -> None:
    golden = np.load(GOLDEN / f"detections_{stage}.npz")
    deltas = Tensor(golden["box_deltas"].reshape(100, -1, 4))
    boxes = decode(Tensor(golden["prop_boxes"][:, None]), deltas, ROI_WEIGHTS)
    boxes = clip(boxes, Tensor(np.array([256, 320], np.float32))).asnumpy()
    powers = np.exp(golden["cls_logits"] - golden["cls_logits"].max(1, keepdims=True))
    found = postprocess(boxes, powers / powers.sum(1, keepdims=True), np.ones(100, bool), size=(256, 320))
    np.testing.assert_array_equal(found.labels, golden["det_classes"])
    np.testing.assert_allclose(found.scores, golden["det_scores"], atol=1e-6)
    np.testing.assert_allclose(found.boxes, golden["det_boxes"], atol=5e-6 * 320)


def test_boxes_are_scaled_axis_by_axis_and_clipped() -> None:
    found = postprocess(*_one([10, 20, 80, 90], 0.9), scale=(2.0, 4.0), size=(21, 100))
    np.testing.assert_array_equal(found.boxes, [[5, 5, 40, 21]])


def test_a_box_that_lies_outside_the_picture_is_dropped() -> None:
    assert len(postprocess(*_one([60, 20, 80, 90], 0.9), scale=2.0, size=(50, 30))) == 0


def test_regions_that_are_not_valid_or_not_finite_are_dropped() -> None:
    boxes, scores, valid = _one([10, 20, 80, 90], 0.9)
    assert len(postprocess(boxes, scores, ~valid, size=(100, 100))) == 0
    for spoiled in (np.where(boxes > 85, np.nan, boxes), np.where(boxes > 85, np.inf, boxes)):
        assert len(postprocess(spoiled, scores, valid, size=(100, 100))) == 0
    assert len(postprocess(boxes, np.full_like(scores, np.nan), valid, size=(100, 100))) == 0


def test_a_score_at_the_threshold_does_not_count() -> None:
    config = PostprocessConfig(min_score=0.25)
    assert len(postprocess(*_one([10, 20, 80, 90], 0.25), size=(100, 100), config=config)) == 0
    assert len(postprocess(*_one([10, 20, 80, 90], 0.2501), size=(100, 100), config=config)) == 1


def test_the_background_is_no_detection_and_classes_do_not_suppress_one_another() -> None:
    boxes, scores, valid = _one([10, 20, 80, 90], 0.4)
    scores[0, 1] = 0.3
    found = postprocess(boxes, scores, valid, size=(100, 100))
    assert found.labels.tolist() == [0, 1]


def test_the_best_detections_are_kept() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 900, (300, 1, 2))
    boxes = np.concatenate((corners, corners + 5), axis=2).astype(np.float32)
    scores = rng.uniform(0.1, 1, (300, 2)).astype(np.float32)
    found = postprocess(boxes, scores, np.ones(300, bool), size=(1000, 1000))
    assert len(found) == 100
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores[0] == scores[:, 0].max()
