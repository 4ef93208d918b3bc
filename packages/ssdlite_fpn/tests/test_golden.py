"""Every stage of the network against numbers computed with the old code (shared/facts/ssd.md, section 8).

The weights go the way a user's go: an old checkpoint file, with the old names and what else such a file holds,
read by `load_weights`. The copy in `golden/` keeps 250 anchors (made by packages/ssd/tests/golden/reduce.py);
where the shared folder exists the full file is tested too.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.checkpoint import LoadReport
from ms_core.detection.losses import SingleShotLoss
from ms_core.detection.matching import encode_targets
from ms_core.networks.inference import InferenceModel
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.schedules import ScheduleConfig, learning_rates
from ms_ssdlite_fpn import build_model, load_weights

NAME = "ssdlite_mobilenetv2_fpn"
ENCODER_SETS = ("A", "B", "C", "dup", "degenerate", "empty")
OUTPUTS = ("loc", "cls_logits", "dec_boxes", "dec_scores")
Golden = Mapping[str, np.ndarray]


@pytest.fixture(scope="module", autouse=True)
def graph_mode() -> Iterator[None]:
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.fixture(scope="module")
def golden() -> Golden:
    with np.load(Path(__file__).parent / "golden" / f"{NAME}.npz") as archive:
        return dict(archive)


def golden_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The rule of section 8.1: a weight follows from its old name and its shape."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    leaf = name.rpartition(".")[2]
    if leaf in ("gamma", "moving_variance"):
        return rng.uniform(0.8, 1.2, shape).astype(np.float32)
    if leaf in ("beta", "bias", "moving_mean"):
        return rng.uniform(-0.1, 0.1, shape).astype(np.float32)
    return (rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))).astype(np.float32)


def golden_images(batch: int, seed: int) -> Tensor:
    return Tensor(np.random.default_rng(seed).standard_normal((batch, 3, 320, 320)).astype(np.float32))


@pytest.fixture(scope="module")
def loaded(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> tuple[SingleShotNetwork, LoadReport]:
    shapes = (tuple(json.loads(shape)) for shape in golden["param_shapes"])
    pairs = zip(golden["param_names"].tolist(), shapes, strict=True)
    weights = {name: golden_weight(name, shape) for name, shape in pairs}
    moments = {f"moments.{name}": array for name, array in weights.items() if "moving_" not in name}
    entries = {**weights, **moments, "global_step": np.int32([7]), "momentum": np.float32(0.9)}
    path = tmp_path_factory.mktemp("old") / "ssd-500_458.ckpt"
    ms.save_checkpoint([{"name": name, "data": Tensor(array)} for name, array in entries.items()], str(path))
    network = build_model(NAME, 81)
    return network, load_weights(network, path)


@pytest.fixture(scope="module")
def network(loaded: tuple[SingleShotNetwork, LoadReport]) -> SingleShotNetwork:
    return loaded[0]


@pytest.fixture(scope="module")
def outputs(network: SingleShotNetwork) -> dict[str, np.ndarray]:
    """Raw and decoded outputs for one image, [1, 12804, 4 or 81]."""
    network.set_train(False)
    inference = InferenceModel(network).set_train(False)
    raw, decoded = network(golden_images(1, seed=0)), inference(golden_images(1, seed=0))
    return {name: output.asnumpy() for name, output in zip(OUTPUTS, (*raw, *decoded), strict=True)}


def test_parameters_have_the_old_names_shapes_and_order(golden: Golden, network: SingleShotNetwork) -> None:
    parameters = list(network.get_parameters())
    assert [f"network.{p.name}" for p in parameters] == golden["param_names"].tolist()
    assert [list(p.shape) for p in parameters] == [json.loads(shape) for shape in golden["param_shapes"]]
    assert [p.requires_grad for p in parameters] == golden["param_trainable"].tolist()
    assert sum(p.size for p in parameters) == golden["total_params"] == 2_542_462
    assert sum(p.size for p in parameters if p.requires_grad) == golden["trainable_params"] == 2_505_214


def test_every_weight_of_an_old_checkpoint_finds_its_place(
    loaded: tuple[SingleShotNetwork, LoadReport],
) -> None:
    _, report = loaded
    assert len(report.matched) == 481
    assert (report.missing, report.unexpected, report.reshaped) == ([], [], [])


@pytest.mark.parametrize("form", ["xywh", "tlbr"])
def test_default_boxes_are_exact(golden: Golden, network: SingleShotNetwork, form: str) -> None:
    boxes = getattr(network.anchors, form)
    np.testing.assert_array_equal(boxes[golden["index"]], golden[f"default_boxes_{form}"])
    assert hashlib.sha256(boxes.tobytes()).hexdigest() == str(golden[f"default_boxes_{form}_sha256"])


def check_outputs(outputs: dict[str, np.ndarray], golden: Golden) -> None:
    for name in OUTPUTS:
        found, expected = outputs[name][0, golden["index"]], golden[name]
        allowed = 1e-4 if name.startswith("dec_") else 2e-4 * np.abs(expected).max()
        assert np.abs(found - expected).max() <= allowed, name


def test_outputs(golden: Golden, outputs: dict[str, np.ndarray]) -> None:
    check_outputs(outputs, golden)


def test_outputs_of_the_full_file(outputs: dict[str, np.ndarray], shared: Path) -> None:
    with np.load(shared / "golden" / "ssd" / f"{NAME}.npz") as archive:
        check_outputs(outputs, dict(archive))


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_as_a_whole(golden: Golden, outputs: dict[str, np.ndarray], name: str) -> None:
    """Sums over all anchors see what a sample of them does not."""
    values = outputs[name].astype(np.float64)
    allowed = 1e-6 * float(golden[f"{name}_abssum"])
    assert list(values.shape) == golden[f"{name}_shape"].tolist()
    assert abs(values.sum() - golden[f"{name}_sum"]) <= allowed
    assert abs(np.abs(values).sum() - golden[f"{name}_abssum"]) <= allowed
    np.testing.assert_allclose(values[0].sum(0), golden[f"{name}_colsum"], rtol=0, atol=allowed)


def encoded(golden: Golden, network: SingleShotNetwork, name: str) -> tuple[np.ndarray, np.ndarray, int]:
    rows = golden[f"enc_{name}_in"]
    return encode_targets(rows[:, :4], rows[:, 4].astype(np.int32), network.anchors)


@pytest.mark.parametrize("name", ENCODER_SETS)
def test_encoder(golden: Golden, network: SingleShotNetwork, name: str) -> None:
    loc, label, matched = encoded(golden, network, name)
    positive = golden[f"enc_{name}_pos"]
    np.testing.assert_array_equal(np.flatnonzero(label), positive)
    np.testing.assert_array_equal(label[positive], golden[f"enc_{name}_label_pos"])
    np.testing.assert_array_equal(loc[positive], golden[f"enc_{name}_loc_pos"])
    assert not loc[label == 0].any()
    assert matched == golden[f"enc_{name}_num_match"].item()


@pytest.mark.parametrize("steps_per_epoch", [10, 458])
def test_schedule(golden: Golden, steps_per_epoch: int) -> None:
    key = f"lr_{steps_per_epoch}"
    old = SimpleNamespace(**json.loads(str(golden[f"{key}_kwargs"])))
    config = ScheduleConfig(
        "cosine", lr=old.lr_max, lr_init=old.lr_init, lr_end=old.lr_end, warmup_epochs=old.warmup_epochs
    )
    rates = learning_rates(config, epochs=old.total_epochs, steps_per_epoch=old.steps_per_epoch)
    assert len(rates) == golden[f"{key}_len"]
    np.testing.assert_array_equal(rates[golden[f"{key}_idx"]], golden[f"{key}_val"])
    np.testing.assert_allclose(rates.astype(np.float64).sum(), golden[f"{key}_sum"], rtol=1e-9)


# --- losses; last, because batch statistics change the moving ones


@pytest.mark.parametrize("statistics", ["eval_bn", "train_bn"])
def test_loss(golden: Golden, network: SingleShotNetwork, statistics: str) -> None:
    targets = [encoded(golden, network, name) for name in ("A", "C")]
    columns = zip(zip(*targets, strict=True), (np.float32, np.int32, np.int32), strict=True)
    loc, label, matched = (Tensor(np.stack(column).astype(kind)) for column, kind in columns)
    found = network.set_train(statistics == "train_bn")(golden_images(2, seed=1))
    loss = SingleShotLoss(network.loss_alpha, loc_reduce=network.loss_loc_reduce)
    total, classes, boxes = (part.item() for part in loss(*found, loc, label, matched))
    assert total == pytest.approx(golden[f"loss_{statistics}"].item(), rel=1e-5)
    assert classes == pytest.approx(golden[f"loss_{statistics}_cls_np"].item(), rel=1e-5)
    assert boxes == pytest.approx(golden[f"loss_{statistics}_loc_np"].item(), rel=1e-4)
