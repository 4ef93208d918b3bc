"""Every stage of b0 and b1 against numbers of PyTorch implementations (shared/facts/segformer.md).

The weights follow from their official names, so names are tested with them. The copies in `golden/` (made by
`golden/reduce_network.py`) keep a sample of the large arrays; where the shared folder exists the full files are tested
too. Outputs and gradients are those of compiled graphs, as in use; the encoder's maps are looked at operation by
operation.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_segformer import build_model
from ms_segformer.bilinear import resize_bilinear
from ms_segformer.config import LossConfig
from ms_segformer.losses import SegmentationLoss
from ms_segformer.segformer import SegFormer
from ms_segformer.training_network import TrainingNetwork

Golden = Mapping[str, np.ndarray]
Rule = Callable[[str, tuple[int, ...]], np.ndarray]

CLASSES = 19
ATOL = 1e-5  # two implementations in PyTorch agree to that
UNUSED = "decode_head.conv_seg."  # in official files, but no part of the network


@contextmanager
def running_in(mode: int) -> Iterator[None]:
    before = ms.get_context("mode")
    ms.set_context(mode=mode)
    try:
        yield
    finally:
        ms.set_context(mode=before)


def official_name(name: str) -> str:
    """Name of one of our parameters -> PyTorch's."""
    for ours, theirs in (("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean")):
        name = name.replace(f".{ours}", f".{theirs}")
    return name.replace(".moving_variance", ".running_var")


def fill(network: SegFormer, rule: Rule, *, without: str = "") -> SegFormer:
    """Set every parameter by the rule, from its official name `without` a prefix."""
    for parameter in network.get_parameters():
        name = official_name(parameter.name).removeprefix(without)
        parameter.set_data(Tensor(rule(name, parameter.shape)))
    return network


def images(shape: tuple[int, ...] = (1, 3, 256, 512), seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def labels(shape: tuple[int, ...] = (1, 256, 512), seed: int = 1) -> np.ndarray:
    """Random classes, a tenth of the pixels without one."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, CLASSES, shape)
    classes[rng.random(shape) < 0.1] = 255
    return classes.astype(np.int32)


def check(found: np.ndarray, golden: Golden, name: str) -> None:
    """Compare with a stored array, at the places it was sampled at if it was."""
    places = next((golden[key] for key in (f"{name}_index", f"{name}:index") if key in golden), None)
    expected = golden[name]
    if places is not None:
        found, expected = found.ravel()[places], expected.ravel()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=ATOL, err_msg=name)


@pytest.fixture(scope="module", params=["b0", "b1"])
def size(request: pytest.FixtureRequest) -> str:
    return request.param


def copy_of(size: str) -> Golden:
    with np.load(Path(__file__).parent / "golden" / f"network_{size}.npz") as archive:
        return dict(archive)


def full_file(size: str, shared: Path) -> Golden:
    with np.load(shared / "golden" / "segformer" / f"{size}.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def golden(size: str) -> Golden:
    return copy_of(size)


@pytest.fixture(scope="module")
def b0() -> Golden:
    """The copy of b0's file, for what is only known of it."""
    return copy_of("b0")


@pytest.fixture(scope="module")
def network(size: str, golden_weight: Rule) -> SegFormer:
    return fill(build_model(f"segformer_{size}", CLASSES), golden_weight).set_train(False)


@pytest.fixture(scope="module")
def maps(network: SegFormer) -> list[np.ndarray]:
    with running_in(ms.PYNATIVE_MODE):
        return [feature.asnumpy() for feature in network.features(images())]


@pytest.fixture(scope="module")
def logits(network: SegFormer) -> np.ndarray:
    with running_in(ms.GRAPH_MODE):
        return network(images()).asnumpy()


@pytest.fixture(scope="module")
def resized(logits: np.ndarray) -> np.ndarray:
    return resize_bilinear(Tensor(logits), (256, 512)).asnumpy()


# --- names and numbers


def test_names_shapes_and_order(network: SegFormer, golden: Golden) -> None:
    """All of an official file but the unused layer and the counter of batches; statistics come last with us."""
    expected = [
        (name, shape)
        for name, shape in zip(golden["names"].tolist(), golden["shapes"].tolist(), strict=True)
        if not name.startswith(UNUSED) and not name.endswith("num_batches_tracked")
    ]
    found = {official_name(p.name): str(list(p.shape)) for p in network.get_parameters()}
    assert found == dict(expected)
    assert len(expected) == len(found)


def test_parameter_counts(network: SegFormer, golden: Golden) -> None:
    _, without_unused, encoder = golden["param_count"].tolist()
    trained = {p.name: p.size for p in network.trainable_params()}
    assert sum(trained.values()) == without_unused
    assert sum(n for name, n in trained.items() if name.startswith("backbone.")) == encoder


# --- outputs


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_maps_of_the_encoder(maps: list[np.ndarray], golden: Golden, stage: int) -> None:
    found = maps[stage - 1]
    assert found.shape == tuple(golden[f"feat{stage}_shape"])
    check(found, golden, f"feat{stage}")
    wide = found.astype(np.float64)
    statistics = (wide.mean(), wide.std(), np.abs(wide).max())  # of all places, not only of the sampled ones
    np.testing.assert_allclose(statistics, golden[f"feat{stage}_stats"], rtol=1e-5, atol=1e-6)


def test_logits(logits: np.ndarray, golden: Golden) -> None:
    assert logits.shape == (1, CLASSES, 64, 128)
    check(logits, golden, "logits")


def test_resized_logits(resized: np.ndarray, golden: Golden) -> None:
    check(resized, golden, "up")


def check_classes(resized: np.ndarray, golden: Golden) -> None:
    """The same class everywhere but where the two best are nearly equal; the file tells how often that is so."""
    first, second = np.sort(resized, axis=1)[:, :-3:-1].swapaxes(0, 1)
    thin = first - second < 1e-4
    known = dict(golden["margin_lt"].tolist())[1e-4]
    assert abs(thin.sum() - known) <= 3
    classes = np.where(thin, 255, resized.argmax(1)).ravel()
    places = golden["argmax_index"] if "argmax_index" in golden else slice(None)
    expected = golden["argmax"].ravel()
    differs = classes[places] != expected
    assert not differs[classes[places] != 255].any()
    assert differs.sum() <= known + 3


def test_classes(resized: np.ndarray, golden: Golden) -> None:
    check_classes(resized, golden)


def test_sizes_that_are_no_multiple_of_32(b0: Golden, golden_weight: Rule) -> None:
    network = fill(build_model("segformer_b0", CLASSES), golden_weight).set_train(False)
    odd = images((1, 3, 200, 328), seed=2)
    with running_in(ms.PYNATIVE_MODE):
        assert [feature.shape for feature in network.features(odd)] == list(map(tuple, b0["odd_feat_shapes"]))
    with running_in(ms.GRAPH_MODE):
        check(network(odd).asnumpy(), b0, "odd_logits")


def test_encoder_of_a_classifier(b0: Golden, golden_weight: Rule) -> None:
    """An ImageNet file has the encoder's names without `backbone.`, so its weights are others."""
    network = fill(build_model("segformer_b0", CLASSES), golden_weight, without="backbone.").set_train(False)
    ours = {
        official_name(p.name).removeprefix("backbone."): str(list(p.shape))
        for p in network.get_parameters()
        if p.name.startswith("backbone.")
    }
    stored = dict(zip(b0["enc_names"].tolist(), b0["enc_shapes"].tolist(), strict=True))
    assert ours == {name: shape for name, shape in stored.items() if not name.startswith("head.")}
    with running_in(ms.PYNATIVE_MODE):
        for stage, feature in enumerate(network.features(images()), 1):
            check(feature.asnumpy(), b0, f"enc_feat{stage}")


# --- losses and gradients


def loss_of(settings: LossConfig, logits: np.ndarray) -> float:
    return SegmentationLoss(CLASSES, settings)(Tensor(logits), Tensor(labels())).item()


def test_losses(logits: np.ndarray, golden: Golden) -> None:
    plain = loss_of(LossConfig(), logits)
    assert plain == pytest.approx(golden["loss_plain"].item(), rel=1e-6)
    labelled = np.mean(labels() != 255)  # the other convention divides by all pixels
    assert plain * labelled == pytest.approx(golden["loss_mmseg"].item(), rel=1e-6)
    old = loss_of(LossConfig(class_weights="cityscapes", factor=0.4), logits)
    assert old == pytest.approx(golden["loss_zoo"].item(), rel=1e-6)


class Gradients(nn.Cell):
    """construct(images, labels) -> gradient of the plain loss for every trained parameter."""

    def __init__(self, network: SegFormer) -> None:
        super().__init__(auto_prefix=False)
        training = TrainingNetwork(network, SegmentationLoss(CLASSES))
        self.gradient = ops.value_and_grad(training, None, ms.ParameterTuple(network.trainable_params()))

    def construct(self, images: Tensor, labels: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.gradient(images, labels)


@pytest.fixture(scope="module")
def gradients(golden_weight: Rule) -> dict[str, np.ndarray]:
    """Of b0 with moving statistics, by official name."""
    network = fill(build_model("segformer_b0", CLASSES), golden_weight)
    with running_in(ms.GRAPH_MODE):
        loss, found = Gradients(network).set_train(False)(images(), Tensor(labels()))
    assert loss.item() == pytest.approx(3.0692634, rel=1e-6)
    names = (official_name(p.name) for p in network.trainable_params())
    return {name: gradient.asnumpy() for name, gradient in zip(names, found, strict=True)}


def check_gradients(gradients: dict[str, np.ndarray], golden: Golden) -> None:
    expected = dict(zip(golden["grad_names"].tolist(), golden["grad_norms"].tolist(), strict=True))
    assert set(gradients) == set(expected)
    norms = {name: np.linalg.norm(g.astype(np.float64)) for name, g in gradients.items()}
    for name, norm in norms.items():
        assert norm == pytest.approx(expected[name], rel=1e-5, abs=1e-8), name
    stored = [key for key in golden if key.startswith("grad:") and not key.endswith(":index")]
    assert len(stored) == 5
    for key in stored:
        found, values = gradients[key.removeprefix("grad:")].ravel()[golden[f"{key}:index"]], golden[key]
        assert np.abs(found - values).max() <= 1e-5 * np.abs(values).max(), key


def test_gradients(gradients: dict[str, np.ndarray], b0: Golden) -> None:
    check_gradients(gradients, b0)


def test_batch_statistics(b0: Golden, golden_weight: Rule) -> None:
    """Training normalises the fused map with the batch's own mean and variance, and moves the stored ones a tenth."""
    network = fill(build_model("segformer_b0", CLASSES, drop_path=0, dropout=0), golden_weight).set_train(
        True
    )
    with running_in(ms.GRAPH_MODE):
        found = network(images()).asnumpy()
    check(found, b0, "trainbn_logits")
    parameters = network.parameters_dict()
    for ours, theirs in (("moving_mean", "running_mean"), ("moving_variance", "running_var")):
        moved = parameters[f"decode_head.linear_fuse.bn.{ours}"].asnumpy()
        np.testing.assert_allclose(moved, b0[f"trainbn_{theirs}"], rtol=1e-5, atol=1e-6)


# --- the full files


def test_the_full_file(
    size: str, maps: list[np.ndarray], logits: np.ndarray, resized: np.ndarray, shared: Path
) -> None:
    full = full_file(size, shared)
    for stage, feature in enumerate(maps, 1):
        check(feature, full, f"feat{stage}")
    check(logits, full, "logits")
    check(resized, full, "up")
    check_classes(resized, full)


def test_the_full_gradients(gradients: dict[str, np.ndarray], shared: Path) -> None:
    check_gradients(gradients, full_file("b0", shared))
