"""`convert`: other people's weights as checkpoints of ours, and trunks for the old port."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import mindspore as ms
import ms_defrcn.conversion
import numpy as np
import pytest
from ms_core.checkpoint import read_model_card, read_weights
from ms_core.checkpoint.read import read_metadata
from ms_core.errors import UserError
from ms_defrcn.conversion import convert_weights
from ms_defrcn.models import build_model
from ms_defrcn.pcb_network import RESNET_101, PcbNetwork
from ms_defrcn.weights import load_complete, load_weights

from .weight_files import (
    Rule,
    caffe2_name,
    detectron2_shapes,
    filled,
    golden_shapes,
    old_zoo_array,
    old_zoo_name,
    ours,
    torchvision_name,
    trunk_shapes,
    usual_anchors,
    write_pickle,
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, golden_weight: Rule) -> Path:
    state = filled(detectron2_shapes("defrcn_r18", 3), golden_weight)
    return write_pickle(tmp_path_factory.mktemp("files") / "model_final.pth", {"model": state})


@pytest.fixture(scope="module")
def msra(tmp_path_factory: pytest.TempPathFactory, golden_weight: Rule) -> Path:
    """R-50.pkl in Detectron's layout."""
    shapes = {name: shape for name, shape in trunk_shapes("defrcn_r50").items() if "running" not in name}
    blobs = {caffe2_name(name, folded=True): golden_weight(name, shape) for name, shape in shapes.items()}
    return write_pickle(tmp_path_factory.mktemp("files") / "R-50.pkl", blobs | {"fc1000_b": np.ones(1000)})


def test_msras_trunk(
    msra: Path, tmp_path: Path, golden_weight: Rule, capsys: pytest.CaptureFixture[str]
) -> None:
    report = convert_weights(msra, tmp_path / "backbone.ckpt")
    printed = capsys.readouterr().out
    assert "R-50.pkl: MSRA ImageNet ResNet: 265 of 279 parameters filled from 160 arrays" in printed
    assert (len(report.matched), report.unexpected) == (265, [])
    stored = read_weights(tmp_path / "backbone.ckpt")
    assert stored.metadata == {"model": "defrcn_r50"}
    assert set(stored.arrays) == {ours(name) for name in trunk_shapes("defrcn_r50")}
    name = "roi_heads.res5.0.shortcut.norm.weight"
    np.testing.assert_array_equal(stored.arrays[ours(name)], golden_weight(name, (2048,)))
    again = load_weights(build_model("defrcn_r50", 7), tmp_path / "backbone.ckpt")
    assert (again.source, len(again.matched)) == ("own names, trunk", 265)


def test_a_trunk_for_the_old_port(msra: Path, tmp_path: Path) -> None:
    """MindSpore reads it, and nothing but weights is in it; and it comes back."""
    convert_weights(msra, tmp_path / "old.ckpt", to="zoo")
    stored = ms.load_checkpoint(str(tmp_path / "old.ckpt"))
    assert set(stored) == {old_zoo_name(ours(name)) for name in trunk_shapes("defrcn_r50")}
    convert_weights(tmp_path / "old.ckpt", tmp_path / "ours.ckpt")
    convert_weights(msra, tmp_path / "direct.ckpt")
    assert_same(tmp_path / "ours.ckpt", tmp_path / "direct.ckpt")


def test_a_trained_network(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("mug\nplate\nfork\n")
    convert_weights(trained, tmp_path / "ours.ckpt", classes=str(tmp_path / "classes.txt"))
    assert read_metadata(tmp_path / "ours.ckpt") == {
        "model": "defrcn_r18",
        "num_classes": 3,
        "background": False,
        "classes": ["mug", "plate", "fork"],
    }
    network = build_model("defrcn_r18", 3)
    load_complete(network, trained)
    stored = read_weights(tmp_path / "ours.ckpt").arrays
    assert {name: array.tobytes() for name, array in stored.items()} == {
        name: parameter.asnumpy().tobytes() for name, parameter in network.parameters_dict().items()
    }
    convert_weights(tmp_path / "ours.ckpt", tmp_path / "again.ckpt")
    assert read_model_card(tmp_path / "again.ckpt").classes == ("mug", "plate", "fork")
    assert_same(tmp_path / "again.ckpt", tmp_path / "ours.ckpt")


def test_unusual_anchors_are_found_and_kept(tmp_path: Path, golden_weight: Rule) -> None:
    state = filled(detectron2_shapes("defrcn_r18", 3, anchors=6), golden_weight)
    state["proposal_generator.anchor_generator.cell_anchors.0"] = usual_anchors()[:6]
    convert_weights(write_pickle(tmp_path / "few.pth", {"model": state}), tmp_path / "ours.ckpt")
    metadata = read_metadata(tmp_path / "ours.ckpt")
    assert (metadata["anchor_sizes"], metadata.get("anchor_ratios")) == ([32.0, 64.0], None)
    load_complete(build_model("defrcn_r18", 3, anchor_sizes=(32, 64)), tmp_path / "ours.ckpt")


def test_the_old_ports_network_loses_its_rpn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = build_model("defrcn_r50", 2)
    arrays = {name: parameter.asnumpy() for name, parameter in network.parameters_dict().items()}
    old = {old_zoo_name(name): old_zoo_array(name, array) for name, array in arrays.items()}
    np.savez(tmp_path / "defrcn-18.npz", **old, **{"accum.rcnn.cls_scores.bias": np.ones(3)})
    convert_weights(tmp_path / "defrcn-18.npz", tmp_path / "ours.ckpt", classes="2")
    assert (
        "the old port's region proposal network has other anchors and is left out" in capsys.readouterr().out
    )
    stored = read_weights(tmp_path / "ours.ckpt")
    assert set(arrays) - set(stored.arrays) == {
        name for name in arrays if name.startswith("proposal_generator.")
    }
    for name, array in stored.arrays.items():
        np.testing.assert_array_equal(array, arrays[name], err_msg=name)


@pytest.fixture
def small_calibration(monkeypatch: pytest.MonkeyPatch, golden_weight: Rule) -> Callable[[Path], Path]:
    """One block a layer instead of ResNet-101's."""
    monkeypatch.setattr(
        ms_defrcn.conversion, "PcbNetwork", partial(PcbNetwork, replace(RESNET_101, blocks=(1, 1, 1, 1)))
    )
    shapes = {
        name: shape
        for name, shape in golden_shapes("pcb_resnet101").items()
        if "tracked" not in name and (not name.startswith("layer") or name.split(".")[1] == "0")
    }

    def write(folder: Path) -> Path:
        return write_pickle(folder / "resnet101.pth", filled(shapes, golden_weight))

    return write


def test_the_calibration_network(small_calibration: Callable[[Path], Path], tmp_path: Path) -> None:
    """For the old port the names are the same, without what the checkpoint says of itself."""
    source = small_calibration(tmp_path)
    convert_weights(source, tmp_path / "pcb.ckpt")
    assert read_metadata(tmp_path / "pcb.ckpt") == {"model": "pcb_resnet101"}
    convert_weights(tmp_path / "pcb.ckpt", tmp_path / "res101_ms.ckpt", to="zoo")
    assert read_metadata(tmp_path / "res101_ms.ckpt") == {}
    assert_same(tmp_path / "res101_ms.ckpt", tmp_path / "pcb.ckpt")
    stored = ms.load_checkpoint(str(tmp_path / "res101_ms.ckpt"))
    assert {"layer4.0.downsample.1.gamma", "bn1.moving_variance", "fc.bias"} <= set(stored)
    with pytest.raises(UserError, match="classes are ImageNet's"):
        convert_weights(source, tmp_path / "x.ckpt", classes="1000")


def test_resnet_18_is_a_trunk(tmp_path: Path, golden_weight: Rule) -> None:
    arrays = filled(trunk_shapes("defrcn_r18"), golden_weight)
    np.savez(tmp_path / "resnet18.npz", **{torchvision_name(name): array for name, array in arrays.items()})
    convert_weights(tmp_path / "resnet18.npz", tmp_path / "trunk.ckpt")
    assert read_metadata(tmp_path / "trunk.ckpt") == {"model": "defrcn_r18"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "defrcn_r50"}, ["holds weights of defrcn_r18", "is defrcn_r50"]),
        ({"model": "defrcn_r9"}, ["defrcn_r9"]),
        ({"model": "pcb_resnet101"}, ["is no ImageNet ResNet-101"]),
        ({"classes": "19"}, ["--classes 19: 19 classes", "trained for 3"]),
        ({"to": "zoo"}, ["is more than a trunk", "--to zoo"]),
    ],
)
def test_options_that_contradict_the_file(
    options: dict[str, Any], words: list[str], trained: Path, tmp_path: Path
) -> None:
    assert_refused(trained, tmp_path, words, **options)


def test_a_trunk_has_no_classes(msra: Path, tmp_path: Path) -> None:
    assert_refused(msra, tmp_path, ["holds a trunk alone"], classes="60")


def test_files_of_nobody(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", weight=np.ones(3))
    with pytest.raises(
        UserError, match=r"other\.npz: holds no ResNet of .* among its 1 arrays \(weight, \.\.\.\)"
    ):
        convert_weights(tmp_path / "other.npz", tmp_path / "ours.ckpt")
    assert not (tmp_path / "ours.ckpt").exists()


def assert_same(first: Path, second: Path) -> None:
    one, other = read_weights(first).arrays, read_weights(second).arrays
    assert list(one) == list(other)
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def assert_refused(source: Path, folder: Path, words: list[str], **options: Any) -> None:
    with pytest.raises(UserError) as caught:
        convert_weights(source, folder / "ours.ckpt", **options)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert not list(folder.iterdir())
