"""Labels of anchors."""

from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor
from ms_defrcn.anchors import AnchorGrid
from ms_defrcn.matching import BACKGROUND, IGNORED, OBJECT, Match

GOLDEN = Path(__file__).parent / "golden" / "training.npz"
GT_BOXES = np.array([[20, 30, 120, 180], [100, 60, 300, 240], [200, 10, 260, 90]], np.float32)
GT_CLASSES = np.array([3, 17, 41], np.int32)


def some_boxes(count: int, seed: int = 0, side: float = 800.0) -> np.ndarray:
    """float32 [count, 4] of all sizes, within a square of `side`; some overlap much."""
    rng = np.random.default_rng(seed)
    centre, size = rng.uniform(0, side, (count, 2)), np.exp(rng.uniform(0, 6, (count, 2)))
    return np.concatenate((centre - size / 2, centre + size / 2), axis=1).clip(0, side).astype(np.float32)


def with_fillers(boxes: np.ndarray, classes: np.ndarray, slots: int) -> tuple[Tensor, Tensor]:
    """Ground truth in `slots` slots; those that hold no object have a box all the same, which must not matter."""
    missing = slots - len(boxes)
    filler = np.tile(np.array([[0, 0, 320, 256]], np.float32), (missing, 1))
    return Tensor(np.concatenate((boxes, filler))), Tensor(
        np.append(classes, np.full(missing, -1)).astype(np.int32)
    )


def test_labels_of_anchors_are_those_of_detectron2(mode: str) -> None:
    golden = np.load(GOLDEN)
    anchors = AnchorGrid()(Tensor(np.zeros((1, 1, 16, 20), np.float32)))
    boxes, classes = with_fillers(GT_BOXES, GT_CLASSES, 8)
    labels, owners = (found.asnumpy() for found in Match(0.3, 0.7, best_always=True)(anchors, boxes, classes))
    objects = golden["rpn_labels"] == 1  # all of them are drawn
    np.testing.assert_array_equal(labels == OBJECT, objects)
    np.testing.assert_array_equal(GT_BOXES[owners[objects]], golden["matched_boxes"])
    assert (labels[golden["rpn_labels"] == 0] == BACKGROUND).all()
    assert ((labels == OBJECT).sum(), (labels == BACKGROUND).sum()) == (23, 4118)


def test_thresholds_belong_to_the_upper_interval() -> None:
    boxes = np.array([[0, 0, 10, 2.5], [0, 0, 10, 2.4], [0, 0, 10, 7.5], [0, 0, 10, 7.4]], np.float32)
    boxes_and_classes = with_fillers(np.array([[0, 0, 10, 10]], np.float32), np.zeros(1), 1)
    labels, _ = Match(0.25, 0.75)(Tensor(boxes), *boxes_and_classes)
    assert labels.asnumpy().tolist() == [IGNORED, BACKGROUND, OBJECT, IGNORED]


def test_every_object_has_its_best_anchors_and_they_keep_their_owner() -> None:
    anchors = Tensor(np.array([[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]], np.float32))
    big, small = [0, 0, 10, 8], [0, 0, 5, 5]  # both overlap the same two anchors best
    truth = with_fillers(np.array([big, small], np.float32), np.zeros(2), 4)
    labels, owners = Match(0.3, 0.9, best_always=True)(anchors, *truth)
    assert labels.asnumpy().tolist() == [OBJECT, OBJECT, BACKGROUND]
    assert owners.asnumpy().tolist()[:2] == [0, 0]
    labels, _ = Match(0.3, 0.9)(anchors, *truth)
    assert labels.asnumpy().tolist() == [IGNORED, IGNORED, BACKGROUND]


def test_an_object_that_no_anchor_touches_claims_none() -> None:
    anchors = Tensor(np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32))
    truth = with_fillers(np.array([[100, 100, 110, 110]], np.float32), np.zeros(1), 2)
    labels, _ = Match(0.3, 0.7, best_always=True)(anchors, *truth)
    assert labels.asnumpy().tolist() == [BACKGROUND, BACKGROUND]


def test_a_picture_without_objects_is_background() -> None:
    truth = with_fillers(np.zeros((0, 4), np.float32), np.zeros(0), 8)
    labels, owners = Match(0.3, 0.7, best_always=True)(Tensor(some_boxes(40)), *truth)
    assert (labels.asnumpy() == BACKGROUND).all()
    assert (owners.asnumpy() == 0).all()


def test_the_number_of_boxes_may_be_unknown(graph_mode: None) -> None:
    truth = with_fillers(GT_BOXES, GT_CLASSES, 8)
    match, known = Match(0.3, 0.7, best_always=True), Match(0.3, 0.7, best_always=True)
    match.set_inputs(Tensor(shape=[None, 4], dtype=ms.float32), *truth)
    for count in (30, 70):
        boxes = Tensor(some_boxes(count, side=300))
        for ours, expected in zip(match(boxes, *truth), known(boxes, *truth), strict=True):
            np.testing.assert_array_equal(ours.asnumpy(), expected.asnumpy())
