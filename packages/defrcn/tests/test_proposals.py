"""Proposals against detectron2's."""

from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor
from ms_defrcn.anchors import AnchorGrid
from ms_defrcn.proposals import Proposals

GOLDEN = Path(__file__).parent / "golden"
SIZE = Tensor(np.array([256, 320], np.float32))


def _inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    golden = np.load(GOLDEN / "proposals.npz")
    anchors = AnchorGrid()(Tensor(np.zeros((1, 1, 16, 20), np.float32)))
    return Tensor(golden["logits"]), Tensor(golden["deltas"]), anchors, SIZE


def _check(found: tuple[Tensor, Tensor, Tensor], boxes: np.ndarray, logits: np.ndarray) -> None:
    ours, our_logits, valid = (array.asnumpy() for array in found)
    np.testing.assert_array_equal(valid, np.arange(len(valid)) < len(boxes))
    np.testing.assert_array_equal(our_logits[valid], logits)
    np.testing.assert_allclose(ours[valid], boxes, atol=5e-6 * 320)  # of the widest; see the test of `decode`
    assert (ours[~valid] == 0).all()
    assert (our_logits[~valid] == 0).all()


def test_proposals_of_evaluation_are_those_of_detectron2(graph_mode: None) -> None:
    golden = np.load(GOLDEN / "proposals.npz")
    _check(Proposals(6000, 1000, 0.7)(*_inputs()), golden["boxes"], golden["box_logits"])


def test_proposals_of_training_are_those_of_detectron2() -> None:
    golden = np.load(GOLDEN / "proposals.npz")
    _check(Proposals(12000, 2000, 0.7)(*_inputs()), golden["train_boxes"], golden["train_logits"])


def test_the_number_of_anchors_may_be_unknown(graph_mode: None) -> None:
    """Fewer anchors than are looked at, and more."""
    unknown = Proposals(1500, 200, 0.7)
    shapes = ([None], [None, 4], [None, 4])
    unknown.set_inputs(*(Tensor(shape=shape, dtype=ms.float32) for shape in shapes), SIZE)
    known = Proposals(1500, 200, 0.7)
    logits, deltas, anchors, _ = _inputs()
    for count in (600, 4800):
        inputs = logits[:count], deltas[:count], anchors[:count], SIZE
        ours = [array.asnumpy() for array in unknown(*inputs)]
        expected = [array.asnumpy() for array in known(*inputs)]
        for one, other in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_boxes_outside_the_picture_and_numbers_that_are_not_finite_are_dropped() -> None:
    anchors = np.array(
        [[0, 0, 50, 50], [400, 0, 450, 50], [100, 100, 150, 150], [0, 300, 9, 350]], np.float32
    )
    deltas = np.zeros((4, 4), np.float32)
    deltas[2, 2] = np.nan
    logits = Tensor(np.array([1, 4, 3, 2], np.float32))
    found = Proposals(10, 5, 0.7)(logits, Tensor(deltas), Tensor(anchors), SIZE)
    _check(found, anchors[:1], np.ones(1, np.float32))


def test_proposals_carry_no_gradient() -> None:
    logits, deltas, anchors, size = _inputs()
    proposals = Proposals(500, 100, 0.7)

    def total(logits: Tensor, deltas: Tensor) -> Tensor:
        boxes, scores, _ = proposals(logits, deltas, anchors, size)
        return boxes.sum() + scores.sum() + logits.sum()

    gradients = ms.grad(total, (0, 1))(logits[:800], deltas[:800])
    assert (gradients[0].asnumpy() == 1).all()
    assert (gradients[1].asnumpy() == 0).all()
