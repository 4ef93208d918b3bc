"""`convert` between the old zoo's checkpoints and ours, both ways."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.checkpoint import read_weights, write_checkpoint
from ms_core.checkpoint.read import read_metadata
from ms_core.networks.single_shot import SingleShotNetwork
from ms_ssd import MODELS
from ms_ssd.cli import main

Rule = Callable[[str, tuple[int, ...]], np.ndarray]


def old_arrays(network: SingleShotNetwork, rule: Rule) -> dict[str, np.ndarray]:
    return {f"network.{p.name}": rule(f"network.{p.name}", p.shape) for p in network.get_parameters()}


def zeros(network: SingleShotNetwork) -> dict[str, np.ndarray]:
    return {p.name: np.zeros(p.shape, np.float32) for p in network.get_parameters()}


def test_there_and_back(tmp_path: Path, golden_weight: Rule) -> None:
    """Names, order and bits; MindSpore reads the result, and nothing but weights is in it."""
    arrays = old_arrays(MODELS["ssd300"](4, "zoo", "same"), golden_weight)
    old, ours, again = tmp_path / "ssd-500_458.ckpt", tmp_path / "ours.ckpt", tmp_path / "again.ckpt"
    state = {"global_step": np.int32([7]), "moments.network.x": np.ones(3, np.float32)}
    entries = [{"name": name, "data": Tensor(array)} for name, array in {**arrays, **state}.items()]
    ms.save_checkpoint(entries, str(old))
    assert main(["convert", str(old), str(ours), "--model", "ssd300", "--classes", "4"]) == 0
    assert main(["convert", str(ours), str(again), "--to", "zoo"]) == 0  # what it is, it says itself
    stored = ms.load_checkpoint(str(again))
    assert list(stored) == list(arrays)
    for name, array in arrays.items():
        assert stored[name].asnumpy().tobytes() == array.tobytes(), name
    assert read_metadata(again) == {}


def test_averaged_weights_are_what_the_old_code_gets(tmp_path: Path) -> None:
    network = MODELS["ssd300"](4, "zoo", "same")
    name = next(network.get_parameters()).name
    averaged = np.full(network.parameters_dict()[name].shape, 0.5, np.float32)
    arrays = {**zeros(network), f"train.ema.{name}": averaged}
    write_checkpoint(tmp_path / "run.ckpt", arrays, {"model": "ssd300", "num_classes": 4})
    assert main(["convert", str(tmp_path / "run.ckpt"), str(tmp_path / "old.ckpt"), "--to", "zoo"]) == 0
    np.testing.assert_array_equal(read_weights(tmp_path / "old.ckpt").arrays[f"network.{name}"], averaged)


def test_an_old_vgg16_with_normalisations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recognised from its names on the way in; on the way back the key of the old configuration is named."""
    network = MODELS["ssd_vgg16"](3, "zoo", "same", backbone_norm=True)
    old, ours, again = (tmp_path / f"{name}.ckpt" for name in ("old", "ours", "again"))
    write_checkpoint(old, {f"network.{name}": array for name, array in zeros(network).items()}, None)
    assert main(["convert", str(old), str(ours), "--model", "ssd_vgg16", "--classes", "3"]) == 0
    assert read_metadata(ours)["backbone_norm"] is True
    assert main(["convert", str(ours), str(again), "--to", "zoo"]) == 0
    assert "ssd_vgg_bn: True" in capsys.readouterr().out
    assert list(read_weights(again).arrays) == list(read_weights(old).arrays)


def test_default_boxes_that_an_old_file_does_not_tell(tmp_path: Path) -> None:
    """The old GPU recipe of ssd_vgg16 had other boxes; evaluation takes the checkpoint's word for them."""
    old, ours = tmp_path / "old.ckpt", tmp_path / "ours.ckpt"
    arrays = zeros(MODELS["ssd_vgg16"](3, "zoo", "same"))
    write_checkpoint(old, {f"network.{name}": array for name, array in arrays.items()}, None)
    words = ["convert", str(old), str(ours), "--model", "ssd_vgg16", "--classes", "3", "--min-scale", "0.1"]
    assert main(words) == 0
    assert read_metadata(ours)["min_scale"] == 0.1


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"padding": "torch", "num_classes": 4, "model": "ssd300"}, ["'torch'", "--model.padding same"]),
        ({"num_classes": 4}, ["--model NAME"]),
        ({"model": "ssd300"}, ["--classes"]),
    ],
    ids=["padding", "no network", "no classes"],
)
def test_what_cannot_become_an_old_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], metadata: dict[str, Any], words: list[str]
) -> None:
    path, target = tmp_path / "ours.ckpt", tmp_path / "old.ckpt"
    write_checkpoint(path, zeros(MODELS["ssd300"](4, "zoo", "same")), metadata)
    assert main(["convert", str(path), str(target), "--to", "zoo"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "ours.ckpt" in line
    assert all(word in line for word in words)
    assert not target.exists()


def test_the_papers_network_cannot_become_an_old_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / "ours.ckpt", tmp_path / "old.ckpt"
    stored = {"model": "ssd_vgg16", "variant": "paper", "num_classes": 3}
    write_checkpoint(path, {"fc6.bias": np.zeros(1024, np.float32)}, stored)
    assert main(["convert", str(path), str(target), "--to", "zoo"]) == 2
    assert "'paper' variant" in capsys.readouterr().err
    assert not target.exists()
