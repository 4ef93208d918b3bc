"""Every stage of every network against numbers computed with the old code (shared/facts/ssd.md, section 8).

The weights go the way a user's go: an old checkpoint file, with the old names and what else such a file
holds, read by `load_weights`. The copies in `golden/` (made by `golden/reduce.py`) keep 250 anchors; where the
shared folder exists the full files are tested too. Of two networks only some numbers are known.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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
from ms_core.train.randomness import Dropout
from ms_ssd import build_model, load_weights

Golden = Mapping[str, np.ndarray]
Rule = Callable[[str, tuple[int, ...]], np.ndarray]

WITH_FILE = ("ssd300", "ssd_mobilenet_v1_fpn", "ssd_vgg16")
ENCODER_SETS = ("A", "B", "C", "dup", "degenerate", "empty")
OUTPUTS = ("loc", "cls_logits", "dec_boxes", "dec_scores")


@dataclass(frozen=True)
class Known:
    """What sections 1 and 8.2 say of a network."""

    parameters: int
    values: int
    trainable: int
    matched: tuple[int, ...]
    """num_match of the encoder sets."""
    loss_eval: float
    """With moving statistics."""
    loss_train: float
    """With batch statistics."""
    examples: Mapping[str, tuple[int, ...]]
    """Old names and shapes."""


KNOWN = {
    "ssd300": Known(
        409,
        4_445_365,
        4_393_461,
        (20, 1, 17, 11, 12, 0),
        2236.3442,
        743.5224,
        {
            "network.backbone.expand_layer_conv_13.features.0.weight": (576, 96, 1, 1),
            "network.backbone.features_1.13.conv.1.features.1.moving_variance": (576,),
            "network.backbone.features_2.4.features.0.weight": (1280, 320, 1, 1),
            "network.multi_residual.0.conv.2.weight": (512, 256, 1, 1),
            "network.multi_box.multi_cls_layers.1.3.bias": (486,),
        },
    ),
    "ssd_mobilenet_v1": Known(
        239,
        11_329_461,
        11_294_517,
        (20, 1, 17, 11, 12, 0),
        849.5086,
        720.8727,
        {
            "network.multi_box.multi_loc_layers.0.0.weight": (512, 1, 3, 3),
            "network.multi_box.multi_loc_layers.5.3.weight": (24, 128, 1, 1),
            "network.feature_extractor.mobilenet_v1.network.26.0.weight": (1024, 1024, 1, 1),
            "network.multi_residual.3.features.0.weight": (128, 256, 3, 3),
        },
    ),
    "ssd_mobilenet_v1_fpn": Known(
        346,
        12_579_774,
        12_534_846,
        (34, 1, 68, 20, 13, 0),
        71162.758,
        20242.930,
        {
            "network.multi_box.addition_layer_loc.0.0.features.0.weight": (256, 256, 3, 3),
            "network.multi_box.loc_layers.0.weight": (24, 256, 3, 3),
            "network.feature_extractor.fpn.lateral_convs_list.1.bias": (256,),
            "network.feature_extractor.bottom_up.blocks.1.0.weight": (256, 256, 3, 3),
        },
    ),
    "ssd_resnet50_fpn": Known(
        476,
        33_370_814,
        33_294_654,
        (34, 1, 68, 20, 13, 0),
        87547.297,
        20250.660,
        {
            "network.feature_extractor.resnet.conv1.weight": (64, 3, 7, 7),
            "network.feature_extractor.resnet.layer2.0.conv2.weight": (128, 128, 3, 3),
            "network.feature_extractor.resnet.layer4.0.down_sample_layer.0.weight": (2048, 1024, 1, 1),
            "network.feature_extractor.fpn.lateral_convs_list.2.weight": (256, 2048, 1, 1),
        },
    ),
    "ssd_vgg16": Known(
        107,
        24_316_853,
        24_305_589,
        (83, 1, 63, 50, 51, 0),
        2142.0757,
        652.7328,
        {
            "network.backbone.b3.4.weight": (256, 256, 3, 3),
            "network.b6_1.weight": (1024, 512, 3, 3),
            "network.b8_1.weight": (256, 1024, 1, 1),
            "network.multi_box.multi_cls_layers.0.3.weight": (243, 512, 1, 1),
        },
    ),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One network with the weights of the rule."""

    name: str
    network: SingleShotNetwork
    report: LoadReport

    def images(self, batch: int, seed: int) -> Tensor:
        shape = (batch, 3, *self.network.input_size)
        return Tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@contextmanager
def running_in(mode: int) -> Iterator[None]:
    """Both modes are used: graphs as in deployment, single operations where compiling would take longest."""
    before = ms.get_context("mode")
    ms.set_context(mode=mode)
    try:
        yield
    finally:
        ms.set_context(mode=before)


def old_checkpoint(path: Path, network: SingleShotNetwork, rule: Rule) -> None:
    """A training checkpoint as the old code wrote it; moments (as large as the weights) only for the small net."""
    weights = {f"network.{p.name}": rule(f"network.{p.name}", p.shape) for p in network.get_parameters()}
    state: dict[str, np.ndarray] = {
        "global_step": np.int32([7]),
        "momentum": np.float32(0.9),
        "learning_rate": np.zeros(20, np.float32),
    }
    if network.model_name == "ssd300":
        trainable = {name: array for name, array in weights.items() if "moving_" not in name}
        state |= {f"moments.{name}": np.ones_like(array) for name, array in trainable.items()}
        assert len(weights) + len(state) == 667
    entries = [{"name": name, "data": Tensor(array)} for name, array in {**weights, **state}.items()]
    ms.save_checkpoint(entries, str(path))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every network, or those with a golden file where a test asks for one; these first, so that a network's place in
    both lists is the same and all its tests run together, those of the losses last."""
    if "case" in metafunc.fixturenames:
        others = (
            () if "golden" in metafunc.fixturenames else (name for name in KNOWN if name not in WITH_FILE)
        )
        metafunc.parametrize("case", (*WITH_FILE, *others), indirect=True, scope="module")


@pytest.fixture(scope="module")
def case(
    request: pytest.FixtureRequest, golden_weight: Rule, tmp_path_factory: pytest.TempPathFactory
) -> Case:
    path = tmp_path_factory.mktemp("old") / "ssd-500_458.ckpt"
    network = build_model(request.param, 81)
    old_checkpoint(path, network, golden_weight)
    report = load_weights(network, path)
    path.unlink()
    return Case(request.param, network, report)


@pytest.fixture(scope="module")
def golden(case: Case) -> Golden:
    return reduced_file(case.name)


def reduced_file(name: str) -> Golden:
    with np.load(Path(__file__).parent / "golden" / f"{name}.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def outputs(case: Case) -> dict[str, np.ndarray]:
    """Raw and decoded outputs for one image, [1, N, 4 or 81]."""
    case.network.set_train(False)
    inference = InferenceModel(case.network).set_train(False)
    with running_in(ms.PYNATIVE_MODE):
        raw = case.network(case.images(1, seed=0))
    with running_in(ms.GRAPH_MODE):
        decoded = inference(case.images(1, seed=0))
    return {name: output.asnumpy() for name, output in zip(OUTPUTS, (*raw, *decoded), strict=True)}


# --- what is known of every network


def test_parameter_counts(case: Case) -> None:
    parameters, known = list(case.network.get_parameters()), KNOWN[case.name]
    assert len(parameters) == known.parameters
    assert sum(p.size for p in parameters) == known.values
    assert sum(p.size for p in parameters if p.requires_grad) == known.trainable


def test_names_and_shapes(case: Case) -> None:
    shapes = {f"network.{p.name}": p.shape for p in case.network.get_parameters()}
    assert {name: shapes.get(name) for name in KNOWN[case.name].examples} == dict(KNOWN[case.name].examples)


def test_every_weight_of_an_old_checkpoint_finds_its_place(case: Case, golden_weight: Rule) -> None:
    assert len(case.report.matched) == KNOWN[case.name].parameters
    assert (case.report.missing, case.report.unexpected, case.report.reshaped) == ([], [], [])
    name = next(iter(KNOWN[case.name].examples))
    stored = case.network.parameters_dict()[name.removeprefix("network.")].asnumpy()
    np.testing.assert_array_equal(stored, golden_weight(name, stored.shape))


@pytest.mark.parametrize("index", range(len(ENCODER_SETS)), ids=ENCODER_SETS)
def test_number_of_matched_anchors(case: Case, index: int) -> None:
    rows = reduced_file("ssd300")[f"enc_{ENCODER_SETS[index]}_in"]  # the same in every file
    assert encoded(rows, case.network)[2] == KNOWN[case.name].matched[index]


def encoded(rows: np.ndarray, network: SingleShotNetwork) -> tuple[np.ndarray, np.ndarray, int]:
    return encode_targets(rows[:, :4], rows[:, 4].astype(np.int32), network.anchors)


# --- the golden files


def test_parameters_have_the_old_order(case: Case, golden: Golden) -> None:
    parameters = list(case.network.get_parameters())
    assert [f"network.{p.name}" for p in parameters] == golden["param_names"].tolist()
    assert [list(p.shape) for p in parameters] == [json.loads(shape) for shape in golden["param_shapes"]]
    assert [p.requires_grad for p in parameters] == golden["param_trainable"].tolist()


@pytest.mark.parametrize("form", ["xywh", "tlbr"])
def test_default_boxes_are_exact(case: Case, golden: Golden, form: str) -> None:
    boxes = getattr(case.network.anchors, form)
    np.testing.assert_array_equal(boxes[golden["index"]], golden[f"default_boxes_{form}"])
    assert hashlib.sha256(boxes.tobytes()).hexdigest() == str(golden[f"default_boxes_{form}_sha256"])


def check_raw(outputs: dict[str, np.ndarray], golden: Golden, name: str) -> None:
    found, expected = outputs[name][0, golden["index"]], golden[name]
    assert np.abs(found - expected).max() <= 2e-4 * np.abs(expected).max()


def check_decoded(outputs: dict[str, np.ndarray], golden: Golden, name: str) -> None:
    np.testing.assert_allclose(outputs[name][0, golden["index"]], golden[name], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["loc", "cls_logits"])
def test_raw_outputs(golden: Golden, outputs: dict[str, np.ndarray], name: str) -> None:
    check_raw(outputs, golden, name)


@pytest.mark.parametrize("name", ["dec_boxes", "dec_scores"])
def test_decoded_outputs(golden: Golden, outputs: dict[str, np.ndarray], name: str) -> None:
    check_decoded(outputs, golden, name)


def test_the_full_file(case: Case, golden: Golden, outputs: dict[str, np.ndarray], shared: Path) -> None:
    """All that the copy samples: outputs at every stored anchor, every default box."""
    del golden  # asked for so that only networks with a file come here
    with np.load(shared / "golden" / "ssd" / f"{case.name}.npz") as archive:
        full = dict(archive)
    for name in OUTPUTS:
        (check_raw if name in ("loc", "cls_logits") else check_decoded)(outputs, full, name)
    np.testing.assert_array_equal(case.network.anchors.xywh, full["default_boxes_xywh"])
    np.testing.assert_array_equal(case.network.anchors.tlbr, full["default_boxes_tlbr"])


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_as_a_whole(golden: Golden, outputs: dict[str, np.ndarray], name: str) -> None:
    """Sums over all anchors see what a sample of them does not."""
    values = outputs[name].astype(np.float64)
    allowed = 1e-6 * float(golden[f"{name}_abssum"])
    assert list(values.shape) == golden[f"{name}_shape"].tolist()
    assert abs(values.sum() - golden[f"{name}_sum"]) <= allowed
    assert abs(np.abs(values).sum() - golden[f"{name}_abssum"]) <= allowed
    np.testing.assert_allclose(values[0].sum(0), golden[f"{name}_colsum"], rtol=0, atol=allowed)


@pytest.mark.parametrize("name", ENCODER_SETS)
def test_encoder(case: Case, golden: Golden, name: str) -> None:
    loc, label, matched = encoded(golden[f"enc_{name}_in"], case.network)
    positive = golden[f"enc_{name}_pos"]
    np.testing.assert_array_equal(np.flatnonzero(label), positive)
    np.testing.assert_array_equal(label[positive], golden[f"enc_{name}_label_pos"])
    np.testing.assert_array_equal(loc[positive], golden[f"enc_{name}_loc_pos"])
    assert not loc[label == 0].any()
    assert matched == golden[f"enc_{name}_num_match"].item()


@pytest.mark.parametrize("steps_per_epoch", [10, 458])
@pytest.mark.parametrize("name", WITH_FILE)
def test_schedule(name: str, steps_per_epoch: int) -> None:
    golden, key = reduced_file(name), f"lr_{steps_per_epoch}"
    old = SimpleNamespace(**json.loads(str(golden[f"{key}_kwargs"])))
    config = ScheduleConfig(
        "cosine", lr=old.lr_max, lr_init=old.lr_init, lr_end=old.lr_end, warmup_epochs=old.warmup_epochs
    )
    rates = learning_rates(config, epochs=old.total_epochs, steps_per_epoch=old.steps_per_epoch)
    assert len(rates) == golden[f"{key}_len"]
    np.testing.assert_array_equal(rates[golden[f"{key}_idx"]], golden[f"{key}_val"])
    np.testing.assert_allclose(rates.astype(np.float64).sum(), golden[f"{key}_sum"], rtol=1e-9)


# --- losses; last, because batch statistics change the moving ones


def loss_parts(case: Case, *, training: bool) -> tuple[float, float, float]:
    """(total, class part, box part) for two images with the boxes of sets A and C; no dropout."""
    for _, cell in case.network.cells_and_names():
        if isinstance(cell, Dropout):
            cell.p = 0.0
    rows = reduced_file("ssd300")
    targets = [encoded(rows[f"enc_{name}_in"], case.network) for name in ("A", "C")]
    columns = zip(zip(*targets, strict=True), (np.float32, np.int32, np.int32), strict=True)
    loc, label, matched = (Tensor(np.stack(column).astype(kind)) for column, kind in columns)
    with running_in(ms.PYNATIVE_MODE if training else ms.GRAPH_MODE):
        outputs = case.network.set_train(training)(case.images(2, seed=1))
    loss = SingleShotLoss(case.network.loss_alpha, loc_reduce=case.network.loss_loc_reduce)
    total, classes, boxes = (part.item() for part in loss(*outputs, loc, label, matched))
    return total, classes, boxes


@pytest.mark.parametrize("statistics", ["eval_bn", "train_bn"])
def test_loss(case: Case, statistics: str) -> None:
    total, classes, boxes = loss_parts(case, training=statistics == "train_bn")
    known = KNOWN[case.name]
    assert total == pytest.approx(known.loss_train if statistics == "train_bn" else known.loss_eval, rel=1e-5)
    if case.name not in WITH_FILE:
        return
    golden = reduced_file(case.name)
    assert total == pytest.approx(golden[f"loss_{statistics}"].item(), rel=1e-5)
    assert classes == pytest.approx(golden[f"loss_{statistics}_cls_np"].item(), rel=1e-5)
    # Two samples at the 1x1 level: batch statistics magnify rounding. For ssd300 a float64 computation of the
    # small box part with batch statistics gives 4.187351, the golden file (float32) 4.187479, we 4.187178.
    assert boxes == pytest.approx(golden[f"loss_{statistics}_loc_np"].item(), rel=1e-4)
