"""Writing: MindSpore reads it, the bits survive, and a failure leaves the previous file alone."""

import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import mindspore
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn
from ms_core.checkpoint import mindspore_format, read_weights, write_checkpoint
from ms_core.errors import UserError

METADATA = {
    "model": "ssd300",
    "classes": ["Zürich", "猫"],
    "mean": [0.485, 0.456, 0.406],
    "metrics": {"AP": None},
}


def every_type() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    arrays = {"bool": np.array([True, False])}
    for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        arrays[name] = rng.integers(0, 100, size=(2, 3)).astype(name)
    for name in ("float16", "float32", "float64"):
        arrays[name] = rng.normal(size=(2, 3, 1, 2)).astype(name)
    arrays["not finite"] = np.array([0x7FC00001, 0xFF800000, 0x80000000, 1], np.uint32).view(np.float32)
    arrays["scalar"] = np.array(3.25, np.float32)
    arrays["none of them"] = np.zeros((0, 3), np.float32)
    return arrays


def test_round_trip_keeps_every_bit(tmp_path: Path) -> None:
    arrays = every_type()
    write_checkpoint(tmp_path / "w.ckpt", arrays, METADATA)
    weights = read_weights(tmp_path / "w.ckpt")
    assert weights.metadata == METADATA
    assert list(weights.arrays) == list(arrays)
    for name, array in arrays.items():
        assert (weights.arrays[name].dtype, weights.arrays[name].shape) == (array.dtype, array.shape), name
        assert weights.arrays[name].tobytes() == array.tobytes(), name


def test_mindspore_reads_it(tmp_path: Path) -> None:
    arrays = every_type()
    write_checkpoint(tmp_path / "w.ckpt", arrays, METADATA)
    loaded = mindspore.load_checkpoint(str(tmp_path / "w.ckpt"))
    assert json.loads(loaded.pop("ms_core.metadata")) == METADATA  # a str among Parameters
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert loaded[name].asnumpy().dtype == array.dtype, name
        assert loaded[name].shape == array.shape, name
        assert loaded[name].asnumpy().tobytes() == array.tobytes(), name


def test_mindspore_loads_it_into_a_network_and_ignores_the_metadata(tmp_path: Path) -> None:
    network = nn.Dense(3, 2)
    arrays = {"weight": np.ones((2, 3), np.float32), "bias": np.zeros(2, np.float32)}
    write_checkpoint(tmp_path / "w.ckpt", arrays, METADATA)
    loaded = mindspore.load_checkpoint(str(tmp_path / "w.ckpt"), network)
    not_loaded = mindspore.load_param_into_net(network, loaded)
    assert not_loaded == ([], ["ms_core.metadata"])
    assert network.weight.asnumpy().tolist() == arrays["weight"].tolist()


def test_what_mindspore_saved_after_reading_ours_still_reads(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "w.ckpt", every_type(), METADATA)
    loaded = mindspore.load_checkpoint(str(tmp_path / "w.ckpt"))
    mindspore.save_checkpoint(loaded, str(tmp_path / "again.ckpt"))
    assert read_weights(tmp_path / "again.ckpt").metadata == METADATA


def test_layouts_and_byte_orders(tmp_path: Path) -> None:
    grid = np.arange(24, dtype=np.float32).reshape(4, 6)
    arrays = {"fortran": np.asfortranarray(grid), "strided": grid[::2, 1::2], "big": grid.astype(">f4")}
    write_checkpoint(tmp_path / "w.ckpt", arrays, {})
    loaded = mindspore.load_checkpoint(str(tmp_path / "w.ckpt"))
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name].asnumpy(), array, name)


def test_bfloat16_of_mindspore(tmp_path: Path) -> None:
    values = Tensor([1.5, -2.0, 3.140625], mindspore.bfloat16).asnumpy()
    write_checkpoint(tmp_path / "w.ckpt", {"w": values}, {})
    loaded = mindspore.load_checkpoint(str(tmp_path / "w.ckpt"))["w"]
    assert loaded.dtype == mindspore.bfloat16
    read = read_weights(tmp_path / "w.ckpt").arrays["w"]
    assert (read.dtype, read.tolist()) == (np.float32, [1.5, -2.0, 3.140625])


def test_large_parameters_are_split_and_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mindspore_format, "CHUNK_BYTES", 100)
    arrays = {"a": np.arange(256, dtype=np.float32).reshape(2, 128), "b": np.ones(3, np.float32)}
    write_checkpoint(tmp_path / "w.ckpt", arrays, {})
    loaded = mindspore.load_checkpoint(str(tmp_path / "w.ckpt"))
    read = read_weights(tmp_path / "w.ckpt").arrays
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name].asnumpy(), array)
        np.testing.assert_array_equal(read[name], array)


def test_what_mindspore_splits_is_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mindspore.train.serialization.SLICE_SIZE", 1)  # KiB
    array = np.arange(1000, dtype=np.float32).reshape(10, 100)
    mindspore.save_checkpoint({"w": Parameter(Tensor(array))}, str(tmp_path / "w.ckpt"))
    np.testing.assert_array_equal(read_weights(tmp_path / "w.ckpt").arrays["w"], array)


@pytest.mark.parametrize("crc_check", [False, True])
def test_what_mindspore_saved(crc_check: bool, tmp_path: Path) -> None:
    parameters = {
        "w": Parameter(Tensor(np.arange(6, dtype=np.float32).reshape(2, 3))),
        "half": Parameter(Tensor([1.5], mindspore.float16)),
        "brain": Parameter(Tensor([1.5, -0.0], mindspore.bfloat16)),
    }
    path = tmp_path / "w.ckpt"
    extra = {"step": 7, "rate": 0.5, "done": True, "note": "grüß"}
    mindspore.save_checkpoint(parameters, str(path), append_dict=extra, crc_check=crc_check)
    weights = read_weights(path)
    assert weights.texts == {"note": "grüß"}
    assert weights.metadata == {}
    assert {name: array.tolist() for name, array in weights.arrays.items()} == {
        "w": [[0, 1, 2], [3, 4, 5]], "half": [1.5], "brain": [1.5, -0.0],
        "step": 7, "rate": 0.5, "done": True,
    }  # fmt: skip
    if crc_check:
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        damaged = bytearray(path.read_bytes())
        damaged[40] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="CRC"):
            read_weights(path)


def test_encrypted_files_are_named_as_such(tmp_path: Path) -> None:
    for mode in ("AES-GCM", "AES-CBC", "SM4-CBC"):
        path = tmp_path / f"{mode}.ckpt"
        mindspore.save_checkpoint(
            {"w": Parameter(Tensor([1.0]))}, str(path), enc_key=b"0" * 16, enc_mode=mode
        )
        with pytest.raises(UserError, match="encrypted"):
            read_weights(path)


def test_the_schema_is_mindspores() -> None:
    from mindspore.train.checkpoint_pb2 import Checkpoint

    message = Checkpoint()
    for entry in (
        *mindspore_format.encode_array("w", np.ones((2, 3), np.float32)),
        mindspore_format.encode_text("t", "é"),
    ):
        message.MergeFromString(entry)
    array, text = message.value
    assert (array.tag, list(array.tensor.dims), array.tensor.tensor_type) == ("w", [2, 3], "Float32")
    assert (text.tag, text.tensor.tensor_type, text.tensor.tensor_content) == (
        "t",
        "str",
        "é".encode("utf-32-le"),
    )


def test_arrays_a_ckpt_cannot_hold(tmp_path: Path) -> None:
    for array in (np.zeros(0, np.float32), np.zeros(2, np.complex64), np.array(["a"]), np.array([None])):
        with pytest.raises(ValueError, match=r"^w: "):
            write_checkpoint(tmp_path / "w.ckpt", {"w": array}, {})
    with pytest.raises(ValueError, match=r"ms_core\.metadata"):
        write_checkpoint(tmp_path / "w.ckpt", {"ms_core.metadata": np.ones(1)}, {})
    assert list(tmp_path.iterdir()) == []


def test_wrong_targets(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"named \*\.ckpt"):
        write_checkpoint(tmp_path / "w.bin", {"w": np.ones(1)}, {})
    with pytest.raises(UserError, match="cannot"):
        write_checkpoint(tmp_path / "missing" / "w.ckpt", {"w": np.ones(1)}, {})


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_disk_full_keeps_the_previous_file(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, {"w": np.ones(3)}, {"epoch": 1})

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    if call == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UserError, match="No space left") as error:
        write_checkpoint(path, {"w": np.zeros(3)}, {"epoch": 2})
    assert str(path) in str(error.value)
    assert read_weights(path).metadata == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


LIMITED = """
import resource, sys
import numpy as np
from ms_core.checkpoint import write_checkpoint
from ms_core.errors import UserError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_checkpoint(sys.argv[1], {f"w{i}": np.zeros(10_000) for i in range(5)}, {"epoch": 2})
except UserError as error:
    print(error)
"""


def test_a_disk_that_really_is_full_keeps_the_previous_file(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="no limits on file sizes on this platform")
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, {"w": np.ones(3)}, {"epoch": 1})
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True
    )
    assert str(path) in result.stdout
    assert "File too large" in result.stdout
    assert result.stdout.count("\n") == 1
    assert read_weights(path).metadata == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_interruption_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(tmp_path / "w.ckpt", {"w": np.ones(3)}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_file_of_mindspore_is_replaced(tmp_path: Path) -> None:
    """save_checkpoint leaves its files without write permission."""
    path = tmp_path / "w.ckpt"
    mindspore.save_checkpoint({"w": Parameter(Tensor([1.0]))}, str(path))
    write_checkpoint(path, {"w": np.zeros(1, np.float32)}, {})
    assert read_weights(path).arrays["w"].tolist() == [0.0]
    assert os.access(path, os.W_OK)
