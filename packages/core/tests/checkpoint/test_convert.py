"""Conversion of any readable file to .ckpt."""

import shutil
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import pytest
from mindspore import nn
from ms_core import cli
from ms_core.checkpoint import WeightSource, load_into, read_weights, write_checkpoint
from ms_core.checkpoint.convert import convert, write_filled
from ms_core.checkpoint.old_zoo import to_old_zoo
from ms_core.errors import UserError

FILES = Path(__file__).parent / "files"
RENAMED = WeightSource(
    "old names",
    lambda arrays: "old.weight" in arrays,
    lambda arrays: {name.removeprefix("old."): array for name, array in arrays.items()},
    padding="torch",
)


@pytest.mark.parametrize("name", ["training.pth", "flat_legacy.pth", "expected.npz"])
def test_every_format_becomes_a_ckpt_of_the_same_bits(name: str, tmp_path: Path) -> None:
    original = read_weights(FILES / name).arrays
    del original["complex"]
    np.savez(tmp_path / "without_complex.npz", **original)
    convert(tmp_path / "without_complex.npz", tmp_path / "w.ckpt")
    loaded = mindspore.load_checkpoint(str(tmp_path / "w.ckpt"))
    del loaded["ms_core.metadata"]
    assert list(loaded) == list(original)
    for entry, array in original.items():
        assert loaded[entry].asnumpy().tobytes() == array.tobytes(), entry


def test_safetensors_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "ünïcode folder" / "w.ckpt"
    target.parent.mkdir()
    assert cli.main(["convert", str(FILES / "weights.safetensors"), str(target)]) == 0
    assert "20 arrays" in capsys.readouterr().out
    assert len(mindspore.load_checkpoint(str(target))) == 21  # and the metadata


def test_what_a_ckpt_cannot_hold_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["convert", str(FILES / "flat.pth"), str(tmp_path / "w.ckpt")]) == 2
    assert "complex: a .ckpt cannot hold arrays of type complex64" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_targets_are_not_overwritten_by_accident(tmp_path: Path) -> None:
    source, target = tmp_path / "a.npz", tmp_path / "w.ckpt"
    np.savez(source, w=np.ones(3))
    target.write_bytes(b"precious")
    with pytest.raises(UserError, match="overwrite"):
        convert(source, target)
    assert target.read_bytes() == b"precious"
    convert(source, target, overwrite=True)
    assert read_weights(target).arrays["w"].tolist() == [1, 1, 1]
    with pytest.raises(UserError, match="source itself"):
        convert(target, target, overwrite=True)
    shutil.copyfile(target, tmp_path / "b.ckpt")
    with pytest.raises(UserError, match=r"\*\.ckpt"):
        convert(tmp_path / "b.ckpt", tmp_path / "b.pth")


def test_metadata_goes_along(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.ckpt", {"w": np.ones(1)}, {"classes": ["a"]})
    convert(tmp_path / "a.ckpt", tmp_path / "b.ckpt")
    assert read_weights(tmp_path / "b.ckpt").metadata == {"classes": ["a"]}


def convert_into(network: nn.Cell, source: Path, target: Path, metadata: dict | None, **options: Any) -> None:
    weights = read_weights(source)
    report = load_into(network, weights, [RENAMED])
    write_filled(network, report, weights, target, metadata, **options)


VALUES = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(2, np.float32)}


def test_what_a_file_fills_of_a_network(tmp_path: Path) -> None:
    np.savez(tmp_path / "old.npz", **{f"old.{name}": value for name, value in VALUES.items()})
    metadata = {"model": "tiny", "num_classes": 2}
    convert_into(nn.Dense(3, 2), tmp_path / "old.npz", tmp_path / "new.ckpt", metadata)
    written = read_weights(tmp_path / "new.ckpt")
    assert written.metadata == {"padding": "torch", "model": "tiny", "num_classes": 2}
    assert {name: array.tolist() for name, array in written.arrays.items()} == {
        name: array.tolist() for name, array in VALUES.items()
    }


def test_other_names_and_no_metadata(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "ours.ckpt", VALUES, {"model": "tiny"})
    convert_into(nn.Dense(3, 2), tmp_path / "ours.ckpt", tmp_path / "old.ckpt", None, rename=to_old_zoo)
    stored = mindspore.load_checkpoint(str(tmp_path / "old.ckpt"))
    assert {name: value.asnumpy().tolist() for name, value in stored.items()} == {
        f"network.{name}": array.tolist() for name, array in VALUES.items()
    }


def test_conversion_for_a_network_it_does_not_fit(tmp_path: Path) -> None:
    np.savez(tmp_path / "old.npz", weight=np.ones((5, 3), np.float32), bias=np.ones(2, np.float32))
    with pytest.raises(UserError, match="another model"):
        convert_into(nn.Dense(3, 2), tmp_path / "old.npz", tmp_path / "new.ckpt", {})
    np.savez(tmp_path / "old.npz", bias=np.ones(2, np.float32))
    with pytest.raises(UserError, match="lacks 1"):
        convert_into(nn.Dense(3, 2), tmp_path / "old.npz", tmp_path / "new.ckpt", {})
    assert not (tmp_path / "new.ckpt").exists()


def test_the_folder_is_made(tmp_path: Path) -> None:
    np.savez(tmp_path / "source.npz", a=np.ones(2, np.float32))
    target = tmp_path / "new" / "folder" / "target.ckpt"
    convert(tmp_path / "source.npz", target)
    np.testing.assert_array_equal(read_weights(target).arrays["a"], np.ones(2, np.float32))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "source.npz", a=np.ones(2, np.float32))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file"):
        convert(tmp_path / "source.npz", tmp_path / "file" / "target.ckpt")
