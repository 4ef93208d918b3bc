"""The four losses against NumPy and detectron2's numbers, and what must not count."""

from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_defrcn.anchors import AnchorGrid
from ms_defrcn.losses import anchor_loss, classification_loss, mean_over, objectness_loss, region_loss

GOLDEN = Path(__file__).parent / "golden"


def test_rpn_losses_are_those_of_detectron2() -> None:
    stored, golden = np.load(GOLDEN / "proposals.npz"), np.load(GOLDEN / "training.npz")
    positive, negative = golden["rpn_labels"] == 1, golden["rpn_labels"] == 0
    boxes = np.zeros((4800, 4), np.float32)  # empty: their offsets are infinite
    boxes[positive] = golden["matched_boxes"]
    anchors = AnchorGrid()(Tensor(np.zeros((1, 1, 16, 20), np.float32)))
    cls = objectness_loss(Tensor(stored["logits"]), Tensor(positive), Tensor(negative))
    loc = anchor_loss(Tensor(stored["deltas"]), anchors, Tensor(boxes), Tensor(positive))
    np.testing.assert_allclose([float(cls) / 256, float(loc) / 256], golden["losses"][:2], rtol=1e-5)


def test_objectness_of_large_logits_is_finite() -> None:
    logits = Tensor(np.array([1e4, -1e4, 1e4, -1e4], np.float32))
    flags = np.array([True, True, False, False])
    assert float(objectness_loss(logits, Tensor(flags), Tensor(~flags))) == pytest.approx(2e4)


def test_classification_is_the_mean_over_places_that_count() -> None:
    rng = np.random.default_rng(0)
    logits, classes = rng.normal(size=(6, 4)).astype(np.float32), rng.integers(0, 4, 6).astype(np.int32)
    counts = np.array([1, 1, 0, 1, 0, 1], bool)
    exact = np.log(np.exp(logits.astype(np.float64)).sum(1)) - logits[np.arange(6), classes]
    loss = classification_loss(Tensor(logits), Tensor(classes), Tensor(counts))
    assert float(loss) == pytest.approx(exact[counts].mean(), rel=1e-6)


def test_region_loss_looks_at_the_deltas_of_the_own_class() -> None:
    rng = np.random.default_rng(1)
    deltas = rng.normal(size=(5, 3, 4)).astype(np.float32)
    regions = np.array([[0, 0, 10, 20]] * 5, np.float32)
    boxes = np.array([[1, 2, 11, 22], [0, 0, 20, 20], [0, 0, 10, 20], [5, 5, 9, 9], [0, 0, 1, 1]], np.float32)
    classes = np.array([2, 0, 3, 1, 3], np.int32)  # 3 is the background
    positive = classes < 3
    targets = np.array(
        [
            [10 * 1 / 10, 10 * 2 / 20, 0, 0],
            [10 * 5 / 10, 0, 5 * np.log(2), 0],
            [10 * 2 / 10, 10 * -3 / 20, 5 * np.log(0.4), 5 * np.log(0.2)],
        ]
    )
    expected = np.abs(deltas[[0, 1, 3], [2, 0, 1]] - targets).sum()
    loss = region_loss(
        Tensor(deltas.reshape(5, 12)), Tensor(regions), Tensor(boxes), Tensor(classes), Tensor(positive)
    )
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_without_any_place_that_counts_losses_and_gradients_are_zero() -> None:
    """The others hold boxes without area, whose offsets are infinite."""
    none, empty = Tensor(np.zeros(3, bool)), Tensor(np.zeros((3, 4), np.float32))
    classes = Tensor(np.zeros(3, np.int32))

    def losses(logits: Tensor, deltas: Tensor) -> Tensor:
        return (
            objectness_loss(logits[:, 0], none, none)
            + anchor_loss(deltas, empty, empty, none)
            + classification_loss(logits, classes, none)
            + mean_over(region_loss(deltas, empty, empty, classes, none), none)
        )

    inputs = Tensor(np.ones((3, 2), np.float32)), Tensor(np.ones((3, 4), np.float32))
    loss, gradients = ms.value_and_grad(losses, (0, 1))(*inputs)
    assert float(loss) == 0
    assert all((gradient.asnumpy() == 0).all() for gradient in gradients)


def test_losses_of_half_precision_are_float32() -> None:
    logits, one = Tensor(np.full((1, 2), 1e4, np.float16)), Tensor(np.ones(1, bool))
    loss = classification_loss(logits, Tensor(np.zeros(1, np.int32)), one)
    assert loss.dtype == ms.float32
    assert float(loss) == pytest.approx(np.log(2), rel=1e-5)
