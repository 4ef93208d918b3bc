"""Reading: each format against what its own program wrote, bit for bit."""

import io
import pickle
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ms_core.checkpoint import read_weights, write_checkpoint
from ms_core.checkpoint.read import read_metadata
from ms_core.checkpoint.torch_format import LEGACY_MAGIC
from ms_core.errors import UserError

from .pickles import python2_pickle, python2_text_pickle

FILES = Path(__file__).parent / "files"
TORCH_FILES = ("flat.pth", "flat_legacy.pth", "training.pth", "training_legacy.pth", "mmcv.pth")
ARRAYS = {
    "backbone.conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "bias": np.ones(3, np.float32),
}


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    """The tensors of make_files.py as torch itself turns them into NumPy."""
    with np.load(FILES / "expected.npz") as arrays:
        return dict(arrays)


def assert_same_bits(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("name", TORCH_FILES)
def test_torch_files_equal_what_torch_reads(name: str, expected: dict[str, np.ndarray]) -> None:
    weights = read_weights(FILES / name)
    assert_same_bits(weights.arrays, expected)
    assert weights.format == ("torch-legacy" if "legacy" in name else "torch")
    assert weights.metadata == {}


def test_unsigned_torch_types_without_a_storage_class() -> None:
    arrays = read_weights(FILES / "unsigned.pth").arrays
    assert {name: array.dtype.name for name, array in arrays.items()} == {kind: kind for kind in arrays}
    assert all(array.tolist() == [0, 1, 60000] for array in arrays.values())


def test_tensors_that_share_a_storage_share_memory() -> None:
    arrays = read_weights(FILES / "flat.pth").arrays
    first, second = arrays["first_half"], arrays["second_half"]
    assert second.ctypes.data - first.ctypes.data == first.nbytes


def test_big_endian_torch_archive(tmp_path: Path, expected: dict[str, np.ndarray]) -> None:
    """torch writes `byteorder`; a file of a big-endian machine has each element reversed."""
    only = {"plain": expected["plain"]}
    with zipfile.ZipFile(FILES / "flat.pth") as source, zipfile.ZipFile(tmp_path / "big.pth", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("byteorder"):
                content = b"big"
            elif name.endswith("data/0"):
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            target.writestr(name, content)
    found = read_weights(tmp_path / "big.pth").arrays["plain"]
    assert_same_bits({"plain": found}, only)


def test_storage_views_of_ancient_legacy_files(tmp_path: Path) -> None:
    """Before torch 0.4 a storage could be a window into another one: (key, start, elements) in its id."""
    structure = (
        b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor\n"
        b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x007X\x03\x00\x00\x00cpuK\x06"
        b"(X\x01\x00\x00\x008K\x02K\x03ttQK\x01K\x02\x85K\x01\x85tRs."
    )
    head = [1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    content = (
        LEGACY_MAGIC + b"".join(pickle.dumps(part, 2) for part in head) + structure + pickle.dumps(["7"], 2)
    )
    content += (6).to_bytes(8, "little") + np.arange(6, dtype="<f4").tobytes()
    (tmp_path / "old.pth").write_bytes(content)
    assert read_weights(tmp_path / "old.pth").arrays["w"].tolist() == [3.0, 4.0]
    (tmp_path / "old.pth").write_bytes(content.replace(pickle.dumps(["7"], 2), pickle.dumps([], 2)))
    with pytest.raises(UserError, match="lacks the storage 7"):
        read_weights(tmp_path / "old.pth")


def test_safetensors_equal_torch(expected: dict[str, np.ndarray]) -> None:
    weights = read_weights(FILES / "weights.safetensors")
    in_order = {name: expected[name] for name in weights.arrays}
    assert_same_bits(weights.arrays, in_order)
    assert set(expected) - set(in_order) == {"complex"}  # safetensors has no such type


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: object, tmp_path: Path, expected: dict[str, np.ndarray]) -> None:
    arrays = {**expected, "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3))}
    save(tmp_path / "w.npz", **arrays, big=np.arange(3, dtype=">i4"))  # type: ignore[operator]
    weights = read_weights(tmp_path / "w.npz")
    assert_same_bits(weights.arrays, {**arrays, "big": np.arange(3, dtype=np.int32)})
    assert weights.format == "npz"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("container", [None, "model", "blobs", "state_dict"])
def test_pickled_arrays_of_every_protocol(protocol: int, container: str | None, tmp_path: Path) -> None:
    arrays = {
        **ARRAYS,
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">f8"),
        "flags": np.array([True, False]),
        "scalar": np.float32(2.5),
        "empty": np.zeros((0, 2), np.float32),
    }
    value = arrays if container is None else {container: arrays, "__author__": "Caffe2", "epoch": np.int64(3)}
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
    expected = {name: np.asarray(array, array.dtype.newbyteorder("=")) for name, array in arrays.items()}
    found = read_weights(tmp_path / "w.pkl")
    assert_same_bits(found.arrays, expected)
    assert found.format == "pickle"


def test_pickles_of_python_2(tmp_path: Path) -> None:
    (tmp_path / "caffe2.pkl").write_bytes(python2_pickle(ARRAYS, "blobs"))
    assert_same_bits(read_weights(tmp_path / "caffe2.pkl").arrays, ARRAYS)
    array = np.frombuffer(bytes(range(256)), np.float32).reshape(8, 8)
    (tmp_path / "text.pkl").write_bytes(python2_text_pickle("res_conv1_w", array))
    assert_same_bits(read_weights(tmp_path / "text.pkl").arrays, {"res_conv1_w": array})


def test_names_of_nested_dicts_are_joined(tmp_path: Path) -> None:
    value = {"backbone": {"conv": {"weight": ARRAYS["bias"]}}, "step": 3, "note": np.array("text")}
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(value))
    assert list(read_weights(tmp_path / "w.pkl").arrays) == ["backbone.conv.weight"]


def test_a_module_called_model_is_no_container(tmp_path: Path) -> None:
    """`model.x` is a name; only a dict under the key `model` is a container."""
    (tmp_path / "w.pkl").write_bytes(pickle.dumps({"model.x": ARRAYS["bias"], "model": "resnet"}))
    assert list(read_weights(tmp_path / "w.pkl").arrays) == ["model.x"]


def test_dicts_that_contain_themselves_end(tmp_path: Path) -> None:
    value: dict[str, object] = {"w": ARRAYS["bias"]}
    value["model"] = value["again"] = value
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(value))
    assert list(read_weights(tmp_path / "w.pkl").arrays) == ["w"]


def test_containers_that_contain_one_another_end(tmp_path: Path) -> None:
    outer: dict[str, object] = {"a": ARRAYS["bias"]}
    inner: dict[str, object] = {"b": ARRAYS["bias"], "model": outer}
    outer["model"] = inner
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(outer))
    assert list(read_weights(tmp_path / "w.pkl").arrays) == ["b", "model.a"]


@pytest.mark.parametrize("key", ["a", "model"])
def test_dicts_nested_without_reason_are_refused(key: str, tmp_path: Path) -> None:
    """Python's stack holds about a thousand; written by hand, because pickle.dumps recurses itself."""
    depth, path = 5000, tmp_path / "w.pkl"
    push = b"X" + len(key).to_bytes(4, "little") + key.encode()
    array = pickle.dumps(ARRAYS["bias"], 2)[2:-1]
    path.write_bytes(b"\x80\x02" + (b"}" + push) * depth + array + b"s" * depth + b".")
    with pytest.raises(UserError, match="64 dicts inside one another") as error:
        read_weights(path)
    assert_one_line(error.value, path)


@pytest.mark.parametrize("name", ["flat.pth", "flat_legacy.pth", "weights.safetensors", "expected.npz"])
def test_the_content_decides_not_the_name(name: str, tmp_path: Path) -> None:
    renamed = tmp_path / "weights.ckpt"
    shutil.copyfile(FILES / name, renamed)
    assert_same_bits(read_weights(renamed).arrays, read_weights(FILES / name).arrays)


def test_reading_needs_neither_mindspore_nor_torch() -> None:
    code = f"""
import sys
from ms_core.checkpoint import read_weights
assert len(read_weights({str(FILES / "flat.pth")!r}).arrays) == 21
assert not {{"mindspore", "torch"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_real_files_of_torch(shared: Path) -> None:
    """Both formats of one set of weights agree (torch 2.13 itself has read them bit for bit the same)."""
    folder = shared / "golden" / "segformer"
    new = read_weights(folder / "mit_b0.pth").arrays
    old = read_weights(folder / "mit_b0_legacy_format.pth").arrays
    assert len(new) == 178
    assert_same_bits(new, old)
    assert len(read_weights(folder / "segformer.b0.1024x1024.city.160k.pth").arrays) == 194


WRONG = {
    "empty": (b"", "empty"),
    "zeros": (b"\0" * 100, "known format"),
    "text": (b"hello, world", "known format"),
    "web page": (b"<!DOCTYPE html><html>", "web page"),
    "lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
    "gzip": (b"\x1f\x8b\x08\x00", "Unpack"),
    "npy": (b"\x93NUMPY\x01\x00", "savez"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "HDF5"),
    "encrypted": (bytes.fromhex("d85e3a7f808b25ef8ef58a5a"), "encrypted"),
    "empty zip": (b"PK\x05\x06" + b"\0" * 18, "neither"),
    "pickle of a number": (pickle.dumps(3), "no named arrays"),
    "pickle of a list": (pickle.dumps([ARRAYS["bias"]]), "no named arrays"),
    "pickle of an array": (pickle.dumps(ARRAYS["bias"]), "no named arrays"),
}


@pytest.mark.parametrize(("content", "reason"), WRONG.values(), ids=WRONG)
def test_files_that_are_no_weights(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    for read in (read_weights, read_metadata):
        with pytest.raises(UserError, match=reason) as error:
            read(path)
        assert_one_line(error.value, path)


def assert_one_line(error: BaseException, path: Path) -> None:
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_weights(tmp_path / "none.ckpt")
    with pytest.raises(UserError, match="folder"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("whole_module.pth", r"torch\.nn\.modules\.container\.Sequential"),
        ("whole_module_legacy.pth", r"torch\.nn\.modules\.container\.Sequential"),
        ("float8.pth", r"torch\.float8_e5m2"),
        ("script.pt", "TorchScript"),
    ],
)
def test_torch_files_beyond_weights_are_refused_by_name(name: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        read_weights(FILES / name)


def _samples(tmp_path: Path) -> dict[str, bytes]:
    write_checkpoint(tmp_path / "w.ckpt", ARRAYS, {"epoch": 1})
    np.savez(tmp_path / "w.npz", **ARRAYS)
    names = ("flat.pth", "flat_legacy.pth", "training_legacy.pth", "weights.safetensors")
    samples = {name: (FILES / name).read_bytes() for name in names}
    samples |= {name: (tmp_path / name).read_bytes() for name in ("w.ckpt", "w.npz")}
    return samples | {"new.pkl": pickle.dumps(ARRAYS), "old.pkl": python2_pickle(ARRAYS, "blobs")}


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut"
    for name, content in _samples(tmp_path).items():
        boundaries = _entry_ends(content) if name == "w.ckpt" else set()
        for end in set(np.linspace(0, len(content) - 1, 120, dtype=int)) - boundaries:
            path.write_bytes(content[:end])
            for read in (read_weights, read_metadata):
                with pytest.raises(UserError) as error:
                    read(path)
                assert_one_line(error.value, path)


def _entry_ends(content: bytes) -> set[int]:
    """Where a .ckpt ends whole: the format cannot tell a file cut there, only `require_complete` can."""
    ends, position = {0}, 0
    while position < len(content):
        size, shift = 0, 0
        while True:
            position += 1
            size |= (content[position] & 0x7F) << shift
            shift += 7
            if content[position] < 0x80:
                break
        position += size + 1
        ends.add(position)
    return ends - {0}


def test_damage_is_either_harmless_or_one_line(tmp_path: Path) -> None:
    """Flipped bytes may hit a value, which nothing notices; they never raise anything but UserError."""
    rng = np.random.default_rng(1)
    path = tmp_path / "damaged"
    refused = 0
    for content in _samples(tmp_path).values():
        for _ in range(150):
            damaged = bytearray(content)
            for position in rng.integers(0, len(content), size=rng.integers(1, 4)):
                damaged[position] = rng.integers(0, 256)
            path.write_bytes(damaged)
            try:
                read_metadata(path)
                read_weights(path)
            except UserError as error:
                refused += 1
                assert_one_line(error, path)
    assert refused > 300


def test_ckpt_damage_is_located(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "w.ckpt", ARRAYS, {})
    content = (tmp_path / "w.ckpt").read_bytes()
    (tmp_path / "w.ckpt").write_bytes(content[:-2])
    with pytest.raises(UserError, match=r"after 2 entries \(the last is backbone\.conv\.weight\)"):
        read_weights(tmp_path / "w.ckpt")


def test_npz_with_objects_or_false_sizes_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "objects.npz", w=np.array([print, {}], dtype=object))
    with pytest.raises(UserError, match="Python objects"):
        read_weights(tmp_path / "objects.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
    )
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("w.npy", header.getvalue() + b"1234")
    with pytest.raises(UserError, match="size"):
        read_weights(tmp_path / "huge.npz")


@pytest.mark.parametrize("shape", [(1 << 62, 1 << 62, 0), (1 << 70, 0)])
def test_empty_arrays_beyond_what_numpy_counts_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("w.npy", header.getvalue())
    with pytest.raises(UserError, match="shape makes no sense"):
        read_weights(tmp_path / "w.npz")
