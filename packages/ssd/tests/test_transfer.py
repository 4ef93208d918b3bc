"""What a training run starts from: whole files, parts of them, backbones; what is frozen; at which epoch."""

import re
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.checkpoint import read_weights, write_checkpoint
from ms_core.checkpoint.load import LoadReport
from ms_core.data.synthetic import make_shapes
from ms_core.errors import UserError
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.optim import OptimizerConfig, freeze
from ms_core.run_folder import RunFolder
from ms_core.single_shot.config import SingleShotConfig
from ms_core.train.transfer import (
    check_transfer,
    load_start,
    read_start_files,
    with_backbone_prefixes,
)
from ms_ssd import build_model
from ms_ssd.cli import main, package

Arrays = dict[str, np.ndarray]
HEAD = ("multi_box.multi_loc_layers.", "multi_box.multi_cls_layers.")


def arrays_of(network: SingleShotNetwork) -> Arrays:
    return {name: parameter.asnumpy().copy() for name, parameter in network.parameters_dict().items()}


def shifted(classes: int = 3, padding: str = "same") -> Arrays:
    """Weights of which every one differs from the initial ones."""
    return {
        name: array + 1 for name, array in arrays_of(build_model("ssd300", classes, padding=padding)).items()
    }


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of ours for 3 classes."""
    path = tmp_path_factory.mktemp("own") / "own.ckpt"
    write_checkpoint(path, shifted(), {"model": "ssd300", "padding": "same", "num_classes": 3})
    return path


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the old zoo for 3 classes, with the moments of its training."""
    path = tmp_path_factory.mktemp("old") / "ssd-500_458.ckpt"
    entries = {f"network.{name}": array for name, array in shifted().items()}
    moments = {f"moments.{name}": array for name, array in entries.items() if "moving" not in name}
    ms.save_checkpoint([{"name": n, "data": Tensor(a)} for n, a in {**entries, **moments}.items()], str(path))
    return path


@pytest.fixture(scope="module")
def classification(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classification network under torchvision's names."""
    path = tmp_path_factory.mktemp("classification") / "mobilenet.npz"
    trunk = {n: a for n, a in shifted(padding="torch").items() if ".features_" in n}
    np.savez(path, **{torchvision_name(n): a for n, a in trunk.items()}, **{"classifier.1.bias": np.zeros(9)})
    return path


def torchvision_name(name: str) -> str:
    part, stage, rest = re.fullmatch(r"backbone\.features_(\d)\.(\d+)\.(.+)", name).groups()
    rest = re.sub(r"features\.(\d)", r"\1", rest)
    leaves = {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    stem, _, leaf = rest.rpartition(".")
    return f"features.{int(stage) + (14 if part == '2' else 0)}.{stem}.{leaves.get(leaf, leaf)}"


def start(
    classes: int = 3, padding: str = "same", **settings: object
) -> tuple[Arrays, Arrays, list[LoadReport]]:
    """Load as a training run does; (initial values, values afterwards, reports)."""
    config = SingleShotConfig(**settings)
    network = build_model("ssd300", classes, padding=padding)
    initial = arrays_of(network)
    reports = load_start(package().load_weights, network, config, read_start_files(config))
    return initial, arrays_of(network), reports


def same(before: Arrays, after: Arrays) -> set[str]:
    return {name for name, array in before.items() if np.array_equal(array, after[name])}


def beginning(names: object, *prefixes: str) -> set[str]:
    return {name for name in names if name.startswith(prefixes)}


@pytest.mark.parametrize("file", ["own", "old"])
@pytest.mark.parametrize("parts", [("multi_loc_layers", "multi_cls_layers"), ("network.multi_box.",)])
def test_a_filter_leaves_parameters_at_their_initial_values(
    file: str, parts: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    initial, loaded, (report,) = start(weights=request.getfixturevalue(file), weights_filter=parts)
    head = beginning(initial, *HEAD)
    assert same(initial, loaded) == head
    assert set(report.kept) == head
    assert len(report.matched) == len(initial) - len(head)
    assert "keep their values, as asked (84):" in report.summary()
    assert "multi_box.multi_cls_layers.*.*.bias (6)" in report.summary()


def test_a_filter_may_name_one_parameter_as_the_old_zoo_did(own: Path) -> None:
    name = "multi_box.multi_cls_layers.0.3.weight"
    initial, loaded, (report,) = start(weights=own, weights_filter=(f"network.{name}",))
    assert same(initial, loaded) == {name}
    assert report.kept == [name]


def test_a_filter_that_matches_nothing_is_refused_with_near_names(own: Path) -> None:
    with pytest.raises(
        UserError, match=r"'network\.multi_clss_layers' in it\. Did you mean multi_cls_layers"
    ):
        start(weights=own, weights_filter=("network.multi_clss_layers",))


def test_a_filter_that_leaves_nothing_is_refused(own: Path) -> None:
    with pytest.raises(UserError, match=r"own\.ckpt: weights_filter leaves nothing of it"):
        start(weights=own, weights_filter=("network.",))


def test_reset_head_takes_everything_but_the_prediction_layers(own: Path) -> None:
    initial, loaded, (report,) = start(weights=own, reset_head=True)
    assert same(initial, loaded) == beginning(initial, *HEAD) == set(report.kept)


def test_a_head_for_other_classes_is_left_and_listed_without_being_asked(own: Path) -> None:
    initial, loaded, (report,) = start(classes=7, weights=own)
    assert same(initial, loaded) == set(report.reshaped)
    assert len(report.reshaped) == 12
    for name in report.reshaped:
        assert f"    {name}: " in report.summary()


def test_reset_head_also_resets_what_would_fit_of_a_head_for_other_classes(own: Path) -> None:
    initial, loaded, (report,) = start(classes=7, weights=own, reset_head=True)
    assert same(initial, loaded) == beginning(initial, *HEAD) == {*report.kept, *report.reshaped}


def test_a_classification_file_fills_the_backbone(classification: Path) -> None:
    initial, loaded, (report,) = start(padding="torch", backbone_weights=classification)
    assert same(initial, loaded) == set(initial) - beginning(initial, "backbone.")
    assert report.missing == sorted(report.missing, key=list(initial).index)
    assert "not in the file" not in report.summary()  # old defect: loaded keys were reported as missing


def test_of_a_whole_detector_only_the_backbone_is_taken(old: Path) -> None:
    initial, loaded, (report,) = start(backbone_weights=old)
    trunk = beginning(initial, "backbone.features_1.", "backbone.features_2.")
    assert same(initial, loaded) == set(initial) - trunk
    assert set(report.matched) == trunk


def test_the_backbone_comes_first_then_the_weights(own: Path, old: Path, tmp_path: Path) -> None:
    trunk = {name: array + 5 for name, array in shifted().items() if ".features_" in name}
    write_checkpoint(tmp_path / "trunk.ckpt", trunk, {"padding": "same"})
    initial, loaded, reports = start(
        backbone_weights=tmp_path / "trunk.ckpt", weights=old, weights_filter=("features_1",)
    )
    assert [report.path.name for report in reports] == ["trunk.ckpt", "ssd-500_458.ckpt"]
    first, second = "backbone.features_1.0.features.0.weight", "backbone.features_2.4.features.0.weight"
    np.testing.assert_allclose(loaded[first], initial[first] + 6, atol=1e-5)
    np.testing.assert_allclose(loaded[second], initial[second] + 1, atol=1e-5)


def test_a_file_without_a_backbone_is_refused(tmp_path: Path) -> None:
    head = {name: array for name, array in shifted().items() if name.startswith("multi_box.")}
    write_checkpoint(tmp_path / "head.ckpt", head, {})
    with pytest.raises(UserError, match=r"head\.ckpt: nothing in it fits the backbone of ssd300"):
        start(backbone_weights=tmp_path / "head.ckpt")


@pytest.mark.parametrize("setting", [{"reset_head": True}, {"weights_filter": ("multi_box",)}])
def test_leaving_parts_out_of_no_weights_is_refused(setting: dict) -> None:
    with pytest.raises(UserError, match=f"{next(iter(setting))}: there are no weights"):
        check_transfer(SingleShotConfig(**setting), Path("run"), overwrite=False)


def test_the_word_backbone_freezes_what_a_classification_network_has() -> None:
    """Old defect: freeze_layer=backbone ended in AttributeError."""
    network = build_model("ssd300", 3)
    config = with_backbone_prefixes(OptimizerConfig(freeze=("multi_residual.0", "backbone")), network)
    frozen = set(freeze(network, config.freeze))
    assert frozen == beginning(
        network.parameters_dict(), "backbone.features_1.", "backbone.features_2.", "multi_residual.0"
    )
    assert with_backbone_prefixes(OptimizerConfig(freeze=("multi_box",)), network).freeze == ("multi_box",)


def test_a_transfer_run_from_the_command_line(small: list[str], tmp_path: Path) -> None:
    """Other classes, backbone frozen, second of two epochs: what is frozen stays, the rest learns."""
    shapes = make_shapes(tmp_path / "shapes", train=4, val=1, classes=("star", "cross"))
    out = tmp_path / "run"
    started = arrays_of(build_model("ssd300", 3, seed=2))
    write_checkpoint(tmp_path / "start.ckpt", started, {"padding": "same"})
    words = [
        "--weights",
        str(tmp_path / "start.ckpt"),
        "--reset-head",
        "true",
        "--optimizer.freeze",
        "backbone",
    ]
    words += ["--train.start-epoch", "1", "--train.log-every", "1", "--train.ema-decay", "0"]
    assert main(["train", *small, *words, "--data.train", str(shapes.train), "--out", str(out)]) == 0
    run = RunFolder(out)
    assert [(r["step"], r["epoch"]) for r in run.read_metrics() if r["kind"] == "train"] == [(3, 1.5), (4, 2)]
    trained = read_weights(run.last_path)
    assert (trained.metadata["step"], trained.metadata["epoch"]) == (4, 2)
    stayed = same(started, {name: trained.arrays[name] for name in started})
    frozen = beginning(started, "backbone.features_1.", "backbone.features_2.")
    assert frozen <= stayed
    assert not [name for name in stayed - frozen if name.endswith((".weight", "moving_mean"))]
    log = run.log_path.read_text(encoding="utf-8")
    assert "going on after step 2 of 4" in log
    assert "trained 2 steps" in log
    assert "keep their values, as asked" in log


def test_no_epoch_left_is_refused(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", *small, "--train.start-epoch", "2", "--data.train", "x.json", "--out", str(tmp_path)]
    assert main(words) == 2
    assert "train.start_epoch: 2 leaves nothing of the 2 epochs" in capsys.readouterr().err


def test_weights_in_a_run_to_be_removed_are_refused(tmp_path: Path, small: list[str], capsys) -> None:
    words = ["--backbone-weights", str(tmp_path / "checkpoints" / "best.ckpt"), "--overwrite"]
    assert main(["train", *small, *words, "--data.train", "x.json", "--out", str(tmp_path)]) == 2
    assert "--backbone-weights" in capsys.readouterr().err


def test_the_prediction_layers_are_those_of_the_head() -> None:
    assert build_model("ssd300", 3).head_prefixes == HEAD
