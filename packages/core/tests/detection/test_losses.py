"""The loss against a float64 NumPy reference, its gradient against finite differences."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.detection.losses import SingleShotLoss


def reference(
    deltas: np.ndarray,
    logits: np.ndarray,
    targets: np.ndarray,
    labels: np.ndarray,
    alpha: float,
    gamma: float = 2.0,
    loc_reduce: str = "sum",
) -> tuple[float, float]:
    """(class part, box part) as the formulas of the papers have them, in float64."""
    logits = logits.astype(np.float64)
    wanted = np.eye(logits.shape[-1])[labels]
    probability = 1 / (1 + np.exp(-logits))
    entropy = np.maximum(logits, 0) - logits * wanted + np.log1p(np.exp(-np.abs(logits)))
    p_t = wanted * probability + (1 - wanted) * (1 - probability)
    alpha_t = wanted * alpha + (1 - wanted) * (1 - alpha)
    distance = np.abs(deltas.astype(np.float64) - targets)
    smooth = np.where(distance < 1, distance**2 / 2, distance - 0.5)
    smooth = smooth.sum(axis=-1) if loc_reduce == "sum" else smooth.mean(axis=-1)
    matched = max(int((labels > 0).sum()), 1)
    return float((alpha_t * (1 - p_t) ** gamma * entropy).sum() / matched), float(
        smooth[labels > 0].sum() / matched
    )


def batch(
    seed: int = 0, size: tuple[int, int, int] = (2, 60, 7), spread: float = 2.0, share: float = 0.1
) -> tuple:
    """(deltas, logits, targets, labels, matched)."""
    rng = np.random.default_rng(seed)
    images, anchors, classes = size
    labels = (rng.integers(1, classes, (images, anchors)) * (rng.random((images, anchors)) < share)).astype(
        np.int32
    )
    return (
        rng.normal(size=(images, anchors, 4)).astype(np.float32),
        (rng.normal(size=size) * spread).astype(np.float32),
        (rng.normal(size=(images, anchors, 4)) * 2).astype(np.float32),
        labels,
        (labels > 0).sum(axis=1).astype(np.int32),
    )


class LossAndGradient(nn.Cell):
    """Gradients for the network's two outputs."""

    def __init__(self, loss: SingleShotLoss) -> None:
        super().__init__()
        self.loss = loss
        self.gradient = ops.GradOperation(get_all=True)

    def construct(
        self, deltas: Tensor, logits: Tensor, targets: Tensor, labels: Tensor, matched: Tensor
    ) -> Tensor:
        return self.gradient(self.total)(deltas, logits, targets, labels, matched)

    def total(
        self, deltas: Tensor, logits: Tensor, targets: Tensor, labels: Tensor, matched: Tensor
    ) -> Tensor:
        return self.loss(deltas, logits, targets, labels, matched)[0]


@pytest.fixture(autouse=True)
def _graph_mode() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)


@pytest.mark.parametrize("loc_reduce", ["sum", "mean"])
@pytest.mark.parametrize(("alpha", "gamma"), [(0.75, 2.0), (0.25, 2.0), (0.5, 1.5)])
@pytest.mark.parametrize("spread", [1.0, 40.0])
def test_equal_to_the_formulas(alpha: float, gamma: float, loc_reduce: str, spread: float) -> None:
    arrays = batch(spread=spread)
    total, classes, boxes = SingleShotLoss(alpha, gamma, loc_reduce)(*map(Tensor, arrays))
    expected = reference(*arrays[:4], alpha, gamma, loc_reduce)
    assert float(classes.asnumpy()) == pytest.approx(expected[0], rel=2e-6)
    assert float(boxes.asnumpy()) == pytest.approx(expected[1], rel=2e-6)
    assert float(total.asnumpy()) == pytest.approx(sum(expected), rel=2e-6)


def test_size_of_the_real_net() -> None:
    arrays = batch(size=(2, 1917, 81), share=0.01)
    _, classes, boxes = SingleShotLoss(0.75)(*map(Tensor, arrays))
    assert (float(classes.asnumpy()), float(boxes.asnumpy())) == pytest.approx(
        reference(*arrays[:4], 0.75), rel=5e-6
    )


def test_gradient_is_that_of_finite_differences() -> None:
    arrays = list(batch(size=(1, 12, 4), share=0.4))
    arrays[1][0, :3] = (0, 30, -30, 120)  # where sigmoid or softplus saturate, and the kink of |x|
    arrays[1][0, 3] = 0
    gradients = [g.asnumpy() for g in LossAndGradient(SingleShotLoss(0.75))(*map(Tensor, arrays))[:2]]
    for which, gradient in enumerate(gradients):
        assert np.isfinite(gradient).all()
        for index in np.ndindex(gradient.shape):
            values = []
            for step in (1e-4, -1e-4):
                moved = [a.astype(np.float64) if i < 2 else a for i, a in enumerate(arrays)]
                moved[which][index] += step
                values.append(sum(reference(*moved[:4], 0.75)))
            assert gradient[index] == pytest.approx((values[0] - values[1]) / 2e-4, rel=2e-4, abs=1e-6)


def test_batch_without_objects_is_divided_by_one() -> None:
    deltas, logits, targets, labels, matched = batch(share=0)
    total, classes, boxes = SingleShotLoss(0.75)(*map(Tensor, (deltas, logits, targets, labels, matched)))
    assert float(boxes.asnumpy()) == 0
    assert float(classes.asnumpy()) == pytest.approx(
        reference(deltas, logits, targets, labels, 0.75)[0], rel=1e-6
    )
    assert np.isfinite(float(total.asnumpy()))


def test_half_precision_inputs_are_computed_in_float32() -> None:
    deltas, logits, targets, labels, matched = batch()
    halves = deltas.astype(np.float16), logits.astype(np.float16)
    total, classes, boxes = SingleShotLoss(0.75)(*map(Tensor, (*halves, targets, labels, matched[:, None])))
    expected = reference(*(h.astype(np.float32) for h in halves), targets, labels, 0.75)
    assert (float(classes.asnumpy()), float(boxes.asnumpy())) == pytest.approx(expected, rel=2e-6)
    assert total.dtype == ms.float32


def test_unknown_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match="loc_reduce"):
        SingleShotLoss(0.75, loc_reduce="max")  # type: ignore[arg-type]
