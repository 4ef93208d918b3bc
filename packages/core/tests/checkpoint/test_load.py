"""Filling a network, and what the report says about it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import mindspore
import numpy as np
import pytest
from mindspore import nn
from ms_core.checkpoint import (
    LoadReport,
    WeightSource,
    load_into,
    read_weights,
    require_complete,
    require_covered,
    write_checkpoint,
)
from ms_core.checkpoint.coverage import infer_classes
from ms_core.checkpoint.names import batch_norm_to_mindspore, prefix, rename
from ms_core.errors import UserError

NAMES = [
    "backbone.0.weight", "backbone.1.moving_mean", "backbone.1.moving_variance", "backbone.1.gamma",
    "backbone.1.beta", "head.weight", "head.bias",
]  # fmt: skip


class TinyDetector(nn.Cell):
    """A backbone of a convolution with batch norm, and a head of 2 anchors x classes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = nn.SequentialCell(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Conv2d(4, 2 * num_classes, 1, has_bias=True)


def values_of(network: nn.Cell, offset: float = 0.0) -> dict[str, np.ndarray]:
    """Distinct values for every parameter."""
    return {
        name: (np.arange(parameter.size, dtype=np.float32) + offset + index).reshape(parameter.shape)
        for index, (name, parameter) in enumerate(network.parameters_dict().items())
    }


def assert_holds(network: nn.Cell, values: Mapping[str, np.ndarray]) -> None:
    for name, value in values.items():
        np.testing.assert_array_equal(network.parameters_dict()[name].asnumpy(), value, name)


def to_torch(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The backbone under torch-like names, with a classifier that has no place in a detector."""
    leaves = {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    }
    renamed = {"classifier.weight": np.zeros((10, 4), np.float32)}
    for name, value in values.items():
        if name.startswith("backbone."):
            module, leaf = name.removeprefix("backbone.").rsplit(".", 1)
            renamed[f"features.{module}.{leaves.get(leaf, leaf)}"] = value
    return renamed


def from_torch(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return batch_norm_to_mindspore(rename(arrays, [prefix("features.", "backbone.")]))


TORCH = WeightSource(
    "torch classifier",
    lambda arrays: "features.0.weight" in arrays,
    from_torch,
    padding="torch",
    covers="backbone.",
)


def test_our_own_checkpoint_fills_everything(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    network = TinyDetector(4)
    values = values_of(network)
    write_checkpoint(tmp_path / "w.ckpt", values, {"num_classes": 4, "padding": "same"})
    report = load_into(network, tmp_path / "w.ckpt", [TORCH])
    assert sorted(report.matched) == sorted(NAMES)
    assert (report.missing, report.unexpected, report.reshaped) == ([], [], [])
    assert (report.source, report.padding, report.averaged) == ("own names", "same", False)
    assert require_complete(report) is report
    assert "7 of 7 parameters filled from 7 arrays" in report.summary()
    assert_holds(network, values)
    assert "WARNING" not in "".join(capfd.readouterr())  # MindSpore logs deprecations


def test_training_state_is_no_weight_and_averages_win(tmp_path: Path) -> None:
    network = TinyDetector(4)
    values = values_of(network)
    average = {"head.bias": values["head.bias"] + 100}
    state = {"train.moments.head.bias": values["head.bias"], "train.step": np.array(5)}
    state |= {f"train.ema.{name}": value for name, value in average.items()}
    write_checkpoint(tmp_path / "last.ckpt", {**values, **state}, {})
    report = load_into(network, tmp_path / "last.ckpt")
    assert (report.missing, report.unexpected) == ([], [])
    assert report.averaged
    assert "averaged" in report.summary()
    assert_holds(network, {**values, **average})


def test_a_source_of_several_parts(tmp_path: Path) -> None:
    network = TinyDetector(4)
    source = replace(TORCH, covers=("backbone.", "head.weight"))
    np.savez(tmp_path / "w.npz", **to_torch(values_of(network, 50)))
    report = load_into(network, tmp_path / "w.npz", [source])
    assert "outside backbone.*, head.weight* 1 parameters keep their values" in report.summary()
    with pytest.raises(UserError, match=r"lacks 1 of the model's parameters \(head\.weight\)"):
        require_covered(report)


def test_a_foreign_backbone(tmp_path: Path) -> None:
    network = TinyDetector(4)
    values, head = values_of(network, 50), network.head.weight.asnumpy()
    np.savez(tmp_path / "w.npz", **to_torch(values))
    report = load_into(network, tmp_path / "w.npz", [TORCH])
    assert (report.source, report.padding, report.covers) == ("torch classifier", "torch", "backbone.")
    assert sorted(report.matched) == sorted(name for name in NAMES if name.startswith("backbone."))
    assert (report.missing, report.unexpected) == (["head.weight", "head.bias"], ["classifier.weight"])
    assert report.file_arrays == 6
    assert_holds(network, {name: value for name, value in values.items() if name.startswith("backbone.")})
    np.testing.assert_array_equal(network.head.weight.asnumpy(), head)
    summary = report.summary()
    assert "5 of 7 parameters filled from 6 arrays" in summary
    assert "outside backbone.* 2 parameters keep their values" in summary
    assert "classifier.weight" in summary
    assert require_covered(report) is report
    with pytest.raises(
        UserError, match=r"w\.npz: lacks 2 of the model's parameters \(head\.weight, head\.bias\)"
    ):
        require_complete(report)


def test_an_incomplete_backbone_is_not_covered(tmp_path: Path) -> None:
    network = TinyDetector(4)
    foreign = to_torch(values_of(network))
    del foreign["features.1.running_var"]
    np.savez(tmp_path / "w.npz", **foreign, **{"features.1.running_mean_": np.zeros(1)})
    report = load_into(network, tmp_path / "w.npz", [TORCH])
    with pytest.raises(UserError, match="lacks"):
        require_covered(report)


@pytest.mark.parametrize("metadata", [{"num_classes": 81}, {}], ids=["stated", "inferred"])
def test_another_class_count(metadata: dict[str, int], tmp_path: Path) -> None:
    network, trained = TinyDetector(4), TinyDetector(81)
    head = network.head.weight.asnumpy()
    write_checkpoint(tmp_path / "x.ckpt", values_of(trained), metadata)
    report = load_into(network, tmp_path / "x.ckpt")
    assert sorted(report.reshaped) == ["head.bias", "head.weight"]
    assert report.shapes["head.weight"] == ((162, 4, 1, 1), (8, 4, 1, 1))
    assert len(report.matched) == 5
    np.testing.assert_array_equal(network.head.weight.asnumpy(), head)
    assert "head.bias: (162,) in the file, (8,) here" in report.summary()
    expected = (
        r"x\.ckpt: head is for 81 classes, this model has 4: 2 parameters differ, first head\.\w+: \(162"
    )
    with pytest.raises(UserError, match=expected) as error:
        require_complete(report)
    assert "\n" not in str(error.value)


def test_other_shapes_are_no_class_count(tmp_path: Path) -> None:
    network = TinyDetector(4)
    values = values_of(network)
    write_checkpoint(
        tmp_path / "x.ckpt", {**values, "backbone.0.weight": np.zeros((4, 3, 5, 5), np.float32)}, {}
    )
    report = load_into(network, tmp_path / "x.ckpt")
    with pytest.raises(
        UserError, match=r"is for another model: 1 parameters differ, first backbone\.0\.weight"
    ):
        require_complete(report)


def test_inferred_class_counts() -> None:
    assert infer_classes({"a": ((486, 8), (24, 8)), "b": ((243,), (12,))}, 4) == 81
    assert infer_classes({"a": ((486, 8), (24, 8)), "b": ((12,), (12,))}, 4) is None
    assert infer_classes({"a": ((81, 9), (4, 8))}, 4) is None
    assert infer_classes({"a": ((81,), ())}, 4) is None
    assert infer_classes({"a": ((81,), (5,))}, 4) is None
    assert infer_classes({"a": ((3,), (8,))}, 4) is None


def test_the_source_that_fills_most_wins(tmp_path: Path) -> None:
    network = TinyDetector(4)
    greedy = WeightSource(
        "greedy", lambda arrays: True, lambda arrays: {"head.bias": np.zeros(8, np.float32)}
    )
    write_checkpoint(tmp_path / "w.ckpt", values_of(network), {})
    assert load_into(network, tmp_path / "w.ckpt", [greedy, TORCH]).source == "own names"
    np.savez(tmp_path / "w.npz", **to_torch(values_of(network)))
    assert load_into(network, tmp_path / "w.npz", [greedy, TORCH]).source == "torch classifier"


def test_a_file_is_named_when_its_names_collide(tmp_path: Path) -> None:
    network = TinyDetector(4)
    foreign = to_torch(values_of(network))
    np.savez(tmp_path / "w.npz", **foreign, **{"backbone.0.weight": foreign["features.0.weight"]})
    with pytest.raises(UserError, match=r"w\.npz: backbone\.0\.weight: a second array"):
        load_into(network, tmp_path / "w.npz", [TORCH])


def test_metadata_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    network = TinyDetector(4)
    write_checkpoint(tmp_path / "w.ckpt", values_of(network), {"num_classes": 4, "classes": ["a"]})
    with pytest.raises(UserError, match=r"w\.ckpt: metadata classes: "):
        load_into(network, tmp_path / "w.ckpt")


def test_nothing_that_fits_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    network = TinyDetector(4)
    before = {name: parameter.asnumpy() for name, parameter in network.parameters_dict().items()}
    write_checkpoint(tmp_path / "w.ckpt", {"fc.weight": np.ones(3)}, {})
    with pytest.raises(
        UserError, match=r"w\.ckpt: none of its 1 arrays \(fc\.weight, \.\.\.\) belongs to this model"
    ):
        load_into(network, tmp_path / "w.ckpt", [TORCH])
    write_checkpoint(tmp_path / "w.ckpt", {"head.bias": np.ones(3, np.float32)}, {})
    with pytest.raises(UserError, match="another shape"):
        load_into(network, tmp_path / "w.ckpt")
    assert_holds(network, before)


def test_types_are_converted_within_their_kind(tmp_path: Path) -> None:
    network = TinyDetector(4)
    values = values_of(network)
    np.savez(tmp_path / "w.npz", **{name: value.astype(np.float64) for name, value in values.items()})
    load_into(network, tmp_path / "w.npz")
    assert network.head.weight.dtype == mindspore.float32
    assert_holds(network, values)
    np.savez(tmp_path / "w.npz", **{**values, "head.bias": np.zeros(8, np.complex64)})
    with pytest.raises(UserError, match=r"head\.bias: holds complex64, the model needs float32"):
        load_into(network, tmp_path / "w.npz")


def test_half_precision_networks(tmp_path: Path) -> None:
    values = values_of(TinyDetector(4))
    write_checkpoint(tmp_path / "w.ckpt", values, {})
    for kind in (mindspore.float16, mindspore.bfloat16):
        network = nn.Conv2d(4, 8, 1, has_bias=True)
        network.bias.set_dtype(kind)
        report = load_into(network, _only_head(tmp_path, values))
        assert sorted(report.matched) == ["bias", "weight"]
        assert network.bias.dtype == kind
        assert network.bias.astype(mindspore.float32).asnumpy().tolist() == values["head.bias"].tolist()


def _only_head(folder: Path, values: Mapping[str, np.ndarray]) -> Path:
    head = {name.removeprefix("head."): value for name, value in values.items() if name.startswith("head.")}
    write_checkpoint(folder / "head.ckpt", head, {})
    return folder / "head.ckpt"


def test_loaded_weights_do_not_share_memory_with_what_was_read(tmp_path: Path) -> None:
    network = TinyDetector(4)
    write_checkpoint(tmp_path / "w.ckpt", values_of(network), {})
    weights = read_weights(tmp_path / "w.ckpt")
    load_into(network, weights)
    network.head.bias.set_data(network.head.bias * 0)
    mindspore.ops.assign(network.head.weight, network.head.weight * 0).asnumpy()
    assert weights.arrays["head.weight"].any()


def test_long_lists_are_cut() -> None:
    report = LoadReport([], [f"p{i}" for i in range(30)], ["evil\nname"], [], "own names", Path("x.ckpt"))
    lines = report.summary().splitlines()
    assert len(lines) == 1 + 1 + 8 + 1 + 1 + 1
    assert lines[10] == "    ... and 22 more"
