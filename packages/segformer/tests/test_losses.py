"""Losses against NumPy in float64; those of PyTorch are in test_golden.py."""

from collections.abc import Iterator

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops
from ms_core.errors import UserError
from ms_segformer.config import LossConfig
from ms_segformer.losses import SegmentationLoss, class_weights

from .two_ranks import run_two_ranks
from .two_ranks_loss_run import CLASSES, SETTINGS, batch, loss_and_gradient


@pytest.fixture(autouse=True)
def operation_by_operation() -> Iterator[None]:
    before = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=before)


def enlarged(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    matrices = []
    for length, resized in zip(logits.shape[2:], size, strict=True):
        centres = np.clip((np.arange(resized) + 0.5) * length / resized - 0.5, 0, length - 1)
        matrices.append(np.maximum(1 - np.abs(centres[:, None] - np.arange(length)), 0))
    return np.einsum("Hh,bkhw,Ww->bkHW", matrices[0], logits.astype(np.float64), matrices[1])


def pixel_losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross entropy of the labelled pixels, one row."""
    wide = enlarged(logits, labels.shape[1:])
    log_sum = np.log(np.exp(wide).sum(1))
    classes = np.where(labels == 255, 0, labels)
    losses = log_sum - np.take_along_axis(wide, classes[:, None], 1)[:, 0]
    return losses[labels != 255]


def loss(settings: LossConfig, logits: np.ndarray, labels: np.ndarray) -> float:
    return SegmentationLoss(CLASSES, settings)(Tensor(logits), Tensor(labels)).item()


def test_plain() -> None:
    logits, labels = batch()
    expected = pixel_losses(logits, labels).mean()
    assert loss(LossConfig(), logits, labels) == pytest.approx(expected, rel=1e-6)
    assert loss(LossConfig(factor=0.4), logits, labels) == pytest.approx(0.4 * expected, rel=1e-6)


def test_class_weights() -> None:
    logits, labels = batch()
    weights = np.array([1.0, 0.25, 2.0, 0.5, 3.0])
    share = weights[labels[labels != 255]]
    expected = (pixel_losses(logits, labels) * share).sum() / share.sum()
    found = loss(LossConfig(class_weights=tuple(weights)), logits, labels)
    assert found == pytest.approx(expected, rel=1e-6)


def test_equal_weights_change_nothing() -> None:
    logits, labels = batch()
    weighted = loss(LossConfig(class_weights=(0.2,) * CLASSES), logits, labels)
    assert weighted == pytest.approx(loss(LossConfig(), logits, labels), rel=1e-6)


@pytest.mark.parametrize(("threshold", "kept"), [(0.3, 1), (0.02, 300), (0.6, 700), (0.5, 10**9)])
def test_hard_pixels(threshold: float, kept: int) -> None:
    logits, labels = batch()
    losses = np.sort(pixel_losses(logits, labels))[::-1]
    hard = int((losses > -np.log(threshold)).sum())
    expected = losses[: max(hard, kept)].mean()
    settings = LossConfig(name="ohem", ohem_threshold=threshold, ohem_min_kept=kept)
    assert loss(settings, logits, labels) == pytest.approx(expected, rel=1e-5)


def test_the_cases_above_differ() -> None:
    """Either bound decides in some of them."""
    logits, labels = batch()
    losses = pixel_losses(logits, labels)
    hard = {threshold: (losses > -np.log(threshold)).sum() for threshold in (0.3, 0.02, 0.6, 0.5)}
    assert hard[0.3] > 1
    assert hard[0.02] < 300
    assert hard[0.6] > 700
    assert len(losses) < 10**9


def test_pixels_that_tie_share_the_last_places() -> None:
    """All pixels equal: a third of them counts, which has the same mean; the gradient is spread over all."""
    logits = np.zeros((1, CLASSES, 6, 6), np.float32)
    labels = np.ones((1, 6, 6), np.int32)
    settings = LossConfig(name="ohem", ohem_threshold=0.01, ohem_min_kept=12)
    found, gradient = loss_and_gradient(settings, logits, labels)
    assert found == pytest.approx(np.log(CLASSES), rel=5e-6)
    np.testing.assert_allclose(gradient[0, 0], 0.2 / 36, rtol=1e-5)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_no_labelled_pixel(settings: LossConfig) -> None:
    logits, labels = batch()
    found, gradient = loss_and_gradient(settings, logits, np.full_like(labels, 255))
    assert found == 0
    assert not gradient.any()


@pytest.mark.parametrize("name", ["plain", "weighted", "hardest"])
def test_gradient(name: str) -> None:
    """Against central differences along random directions."""
    settings = SETTINGS[name]
    logits, labels = batch()
    rng = np.random.default_rng(4)
    _, gradient = loss_and_gradient(settings, logits, labels)
    for _ in range(3):
        direction = rng.standard_normal(logits.shape).astype(np.float32)
        step = 3e-3
        rise = loss(settings, logits + step * direction, labels) - loss(
            settings, logits - step * direction, labels
        )
        assert (gradient * direction).sum() == pytest.approx(rise / (2 * step), rel=0.02, abs=2e-4)


def test_gradient_of_hard_pixels() -> None:
    """It jumps where a pixel becomes hard, so differences say nothing; it is that of the hard pixels alone."""
    settings = SETTINGS["hard"]
    logits, labels = batch()
    hard = labels.copy()
    hard[labels != 255] = np.where(
        pixel_losses(logits, labels) > -np.log(settings.ohem_threshold), labels[labels != 255], 255
    )
    expected, slope = loss_and_gradient(LossConfig(), logits, hard)
    found, gradient = loss_and_gradient(settings, logits, labels)
    assert found == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient, slope, atol=1e-7)


def test_ignored_pixels_have_no_gradient() -> None:
    logits, labels = batch()
    labels[:, :, : labels.shape[2] // 2] = 255
    _, gradient = loss_and_gradient(LossConfig(), logits, labels)
    assert not gradient[..., : gradient.shape[3] // 2 - 1].any()
    assert gradient[..., -1].any()


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_graph_computes_the_same(settings: LossConfig) -> None:
    logits, labels = batch()
    expected, slope = loss_and_gradient(settings, logits, labels)
    ms.set_context(mode=ms.GRAPH_MODE)
    found, gradient = loss_and_gradient(settings, logits, labels)
    assert found == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient, slope, atol=1e-7)


def test_half_precision_is_computed_in_float32() -> None:
    logits, labels = batch()
    half = SegmentationLoss(CLASSES)(Tensor(logits.astype(np.float16)), Tensor(labels))
    assert half.dtype == ms.float32
    assert half.item() == pytest.approx(loss(LossConfig(), logits.astype(np.float16), labels), rel=1e-6)


def test_counts_beyond_what_float32_counts_one_by_one() -> None:
    total = SegmentationLoss(CLASSES)._sum(ops.ones((3, 4096, 2048), ms.float32))
    assert total.item() == 3 * 4096 * 2048


@pytest.mark.parametrize(
    ("weights", "classes", "message"),
    [
        ("cityscapes", 11, r"loss\.class_weights: 19 weights for 11 classes"),
        ((1.0, 2.0), 3, r"2 weights for 3 classes"),
        ((1.0, 0.0), 2, r"\[1\.0, 0\.0\] are not all above 0"),
        ((1.0, float("nan")), 2, r"are not all above 0"),
    ],
)
def test_wrong_weights(weights: str | tuple[float, ...], classes: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        class_weights(LossConfig(class_weights=weights), classes)  # type: ignore[arg-type]


def test_weights_of_cityscapes() -> None:
    weights = class_weights(LossConfig(class_weights="cityscapes"), 19)
    assert weights is not None
    assert (weights[0], weights[17]) == (np.float32(0.8373), np.float32(1.1529))
    assert class_weights(LossConfig(), 19) is None


# --- two devices


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, np.ndarray]]:
    """Losses and gradients of two processes with half of the batch each."""
    folder = tmp_path_factory.mktemp("ranks")
    run_two_ranks("two_ranks_loss_run.py", folder)
    return [dict(np.load(folder / f"rank-{rank}.npz")) for rank in (0, 1)]


@pytest.mark.parametrize("name", SETTINGS)
def test_two_devices_are_one_with_the_doubled_batch(name: str, ranks: list[dict[str, np.ndarray]]) -> None:
    expected, gradient = loss_and_gradient(SETTINGS[name], *batch())
    losses = [rank[f"{name}.loss"].item() for rank in ranks]
    assert losses[0] != pytest.approx(losses[1], rel=1e-2)  # each sees its own pictures
    assert np.mean(losses) == pytest.approx(expected, rel=1e-6)
    found = np.concatenate([rank[f"{name}.gradient"] for rank in ranks]) / 2  # gradients are averaged
    np.testing.assert_allclose(found, gradient, atol=1e-7)
