"""Metadata, read without the arrays where that is safe."""

from pathlib import Path

import numpy as np
import pytest
from ms_core.checkpoint import write_checkpoint
from ms_core.checkpoint.mindspore_format import encode_array, encode_text
from ms_core.checkpoint.read import read_metadata
from ms_core.checkpoint.weight_file import METADATA_ENTRY

FILES = Path(__file__).parent / "files"
ARRAYS = {"bias": np.ones(3, np.float32)}


def test_metadata(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "w.ckpt", ARRAYS, {"classes": ["é", "b"], "num_classes": 3})
    assert read_metadata(tmp_path / "w.ckpt") == {"classes": ["é", "b"], "num_classes": 3}
    assert read_metadata(FILES / "flat.pth") == {}


@pytest.mark.parametrize("first", [True, False], ids=["ours", "saved again by MindSpore"])
def test_metadata_is_read_without_the_arrays(
    first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.ckpt"
    metadata, arrays = encode_text(METADATA_ENTRY, '{"epoch": 1}'), list(encode_array("w", ARRAYS["bias"]))
    path.write_bytes(b"".join([metadata, *arrays] if first else [*arrays, metadata]))
    monkeypatch.setattr("ms_core.checkpoint.mindspore_format.decode_shaped", _fail)
    assert read_metadata(path) == {"epoch": 1}


@pytest.mark.parametrize("name", ["flat.pth", "expected.npz"])
def test_zip_files_have_no_metadata_and_are_not_decoded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zipfile.ZipFile.read", _fail)
    assert read_metadata(FILES / name) == {}


def _fail(*_arguments: object) -> None:
    raise AssertionError("arrays were read")


@pytest.mark.parametrize("name", ["flat_legacy.pth", "weights.safetensors"])
def test_metadata_of_other_foreign_files(name: str) -> None:
    assert read_metadata(FILES / name) == {}
