"""Pickles that try to do something: nothing runs, and the refusal names what was asked for."""

import builtins
import functools
import importlib
import operator
import os
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.checkpoint import inert, read_weights
from ms_core.checkpoint.allowed import ALLOWED
from ms_core.checkpoint.torch_format import LEGACY_MAGIC
from ms_core.errors import UserError

from .pickles import Calls, by_name, dumps

WEIGHTS = {"w": np.ones(3, np.float32)}


def calls_that_write(target: Path) -> dict[str, tuple[Any, str]]:
    """Value to pickle -> part of the refusal; each would create `target` if it ran."""
    shell = f"echo x > {target}"
    code = f"open({str(target)!r}, 'w').close()"
    system = f"{os.name}.system"
    return {
        "os.system": (Calls(os.system, shell), system),
        "eval": (Calls(eval, code), "builtins.eval"),
        "exec": (Calls(exec, code), "builtins.exec"),
        "open": (Calls(open, str(target), "w"), "io.open"),
        "getattr": (Calls(getattr, os, "system"), "builtins.getattr"),
        "import": (Calls(importlib.import_module, "os"), "importlib.import_module"),
        "popen": (Calls(subprocess.Popen, ["sh", "-c", shell]), "subprocess.Popen"),
        "partial": (Calls(functools.partial, os.system, shell), "functools.partial"),
        "attrgetter": (Calls(operator.attrgetter, "system"), "operator.attrgetter"),
        "nested": ([{"a": (OrderedDict(b=Calls(os.system, shell)),)}], system),
        "as a key": ({Calls(os.system, shell): 1}, system),
        "as state": (Calls(OrderedDict, state=Calls(os.system, shell)), system),
        "beside weights": ({**WEIGHTS, "note": Calls(os.system, shell)}, system),
        "inside an object array": (
            {"w": np.array([Calls(os.system, shell)], dtype=object)},
            "Python objects",
        ),
    }


NAMES = tuple(calls_that_write(Path("x")))


def _picklable(value: Any) -> Any:
    """`getattr(os, ...)` holds a module, which pickle refuses to write; a string serves as well."""
    if isinstance(value, Calls) and os in value.reduced[1]:
        return Calls(value.reduced[0], *("os" if part is os else part for part in value.reduced[1]))
    return value


@pytest.mark.parametrize("wrap", ["plain", "torch", "legacy"])
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs(name: str, protocol: int, wrap: str, tmp_path: Path) -> None:
    created, path = tmp_path / "created", tmp_path / "hostile.pth"
    value, refusal = calls_that_write(created)[name]
    _write(path, dumps(_picklable(value), protocol), wrap)
    with pytest.raises(UserError) as error:
        read_weights(path)
    assert refusal in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert not created.exists()


def _write(path: Path, content: bytes, wrap: str) -> None:
    if wrap == "plain":
        path.write_bytes(content)
    elif wrap == "torch":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content)
    else:
        path.write_bytes(LEGACY_MAGIC + dumps(1001) + dumps({"little_endian": True}) + content + dumps([]))


def test_the_hostile_pickle_would_work(tmp_path: Path) -> None:
    """Control: the standard unpickler does create the file, so the tests above test something."""
    created = tmp_path / "created"
    pickle.loads(dumps(calls_that_write(created)["open"][0])).close()
    assert created.exists()


@pytest.mark.parametrize(
    "name",
    [
        ("torch", "load"),
        ("torch.serialization", "load"),
        ("torch.storage", "_load_from_bytes"),
        ("torch._utils", "_rebuild_qtensor"),
        ("torch.nn.modules.module", "Module"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.testing._private.utils", "runstring"),
        ("copyreg", "_reconstructor"),
        ("builtins", "compile"),
        ("builtins", "__import__"),
        ("ms_core.checkpoint.inert", "Constructor"),
        ("collections", "OrderedDict.fromkeys"),
        ("collections.OrderedDict", "__class__"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
    ],
    ids=".".join,
)
def test_lookalikes_and_gadgets_are_refused_by_name(name: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "w.pkl"
    for content in (by_name(*name) + b"(tR.", _stack_global(*name)):
        path.write_bytes(b"\x80\x04" + content)
        with pytest.raises(UserError, match=r"refused, nothing was run") as error:
            read_weights(path)
        assert ".".join(name) in str(error.value)


def _stack_global(module: str, name: str) -> bytes:
    """Protocol 4's way, in which a dotted name walks through attributes."""
    return b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name)) + b"\x93)R."


def test_nothing_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "w.pkl"
    path.write_bytes(b"\x80\x02" + by_name("this", "s") + b".")
    with pytest.raises(UserError, match=r"this\.s"):
        read_weights(path)
    assert "this" not in sys.modules


def test_a_name_with_line_breaks_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "w.pkl"
    path.write_bytes(b"\x80\x04" + _stack_global("evil\nms-ssd: error", "\x1b[31m" + "x" * 200))
    with pytest.raises(UserError) as error:
        read_weights(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 400 + len(str(path))


def test_no_pickle_can_change_the_stand_ins(tmp_path: Path) -> None:
    """BUILD sets attributes of whatever is on the stack; of a class, that would poison later reads."""
    path = tmp_path / "w.pkl"
    before = {name: dict(vars(kind)) for name, kind in vars(inert).items() if isinstance(kind, type)}
    for name in ALLOWED:
        for state in (b"}X\x01\x00\x00\x00xK\x01s", b"N}X\x0c\x00\x00\x00__setstate__K\x01s\x86"):
            path.write_bytes(b"\x80\x02" + by_name(*name.rsplit(".", 1)) + state + b"b.")
            with pytest.raises(UserError):
                read_weights(path)
    assert before == {name: dict(vars(kind)) for name, kind in vars(inert).items() if isinstance(kind, type)}


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_stand_ins_called_with_nonsense_raise_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w.pkl"
    arguments = (
        b")",
        b"N\x85",
        b"J\xff\xff\xff\x7f\x85",
        b"]}\x86",
        b"(" + b"K\x01" * 7 + b"t",
        b"(" + b"NN}" * 3 + b"t",
    )
    for call in (b"R", b"\x81"):
        for argument in arguments:
            path.write_bytes(b"\x80\x02" + by_name(*name.rsplit(".", 1)) + argument + call + b".")
            with pytest.raises(UserError):
                read_weights(path)


def test_memo_bombs_allocate_nothing(tmp_path: Path) -> None:
    """Ten bytes that make Python's own unpickler allocate gigabytes."""
    path = tmp_path / "w.pkl"
    for instruction in (b"r\xff\xff\xff\x7f", b"p2147483647\n"):
        path.write_bytes(b"\x80\x02N" + instruction + b".")
        with pytest.raises(UserError, match="memory"):
            read_weights(path)


def test_arrays_larger_than_their_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pkl"
    content = pickle.dumps({"w": np.zeros(3, np.float32)}, 2)
    path.write_bytes(content.replace(b"K\x03\x85", b"J\x00\x00\x00\x7f\x85"))
    with pytest.raises(UserError, match="size is wrong"):
        read_weights(path)


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((1 << 40,), (1,), 0),
        ((3,), (1,), 2),
        ((2,), (-1,), 1),
        ((1 << 30, 1 << 30), (0, 0), 0),
        ((2,), (1,), -1),
        ((1 << 62, 1 << 62, 0), (1, 1, 1), 0),
    ],
)
def test_torch_windows_outside_their_storage_are_refused(
    size: tuple[int, ...], stride: tuple[int, ...], offset: int, tmp_path: Path
) -> None:
    """Reading them would return memory that belongs to something else."""
    tensor = _torch_tensor("0", 4, size, stride, offset)
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}X\x01\x00\x00\x00w" + tensor + b"s.")
        archive.writestr("archive/data/0", b"\0" * 16)
    with pytest.raises(UserError, match=r"storage|makes no sense"):
        read_weights(tmp_path / "w.pth")


def _torch_tensor(
    key: str, elements: int, size: tuple[int, ...], stride: tuple[int, ...], offset: int
) -> bytes:
    def push(value: Any) -> bytes:
        return pickle.dumps(value, 2)[2:-1]

    storage = (
        b"("
        + push("storage")
        + by_name("torch", "FloatStorage")
        + push(key)
        + push("cpu")
        + push(elements)
        + b"tQ"
    )
    return (
        by_name("torch._utils", "_rebuild_tensor_v2")
        + b"("
        + storage
        + b"".join(push(part) for part in (offset, size, stride, False, OrderedDict()))
        + b"tR"
    )


def test_a_torch_storage_shorter_than_claimed_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        tensor = _torch_tensor("0", 1 << 40, (1 << 40,), (1,), 0)
        archive.writestr("archive/data.pkl", b"\x80\x02}X\x01\x00\x00\x00w" + tensor + b"s.")
        archive.writestr("archive/data/0", b"\0" * 16)
    with pytest.raises(UserError, match="shorter"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("stride", [0, 1], ids=["expanded", "of one storage"])
def test_many_tensors_from_few_bytes_are_refused(stride: int, tmp_path: Path) -> None:
    """Each tensor alone is harmless; 1650 of them demanded 6.6 GB of a file of 50 kB."""
    path, elements = tmp_path / "w.pth", 1 if stride == 0 else 1 << 20
    tensor = _torch_tensor("0", elements, (1 << 20,), (stride,), 0)
    names = [b"X\x04\x00\x00\x00%04d" % index for index in range(40)]
    _write_tensors(path, b"(" + b"".join(name + tensor for name in names) + b"u", elements)
    with pytest.raises(UserError, match="expands its storages") as error:
        read_weights(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_tied_and_expanded_weights_are_read(tmp_path: Path) -> None:
    tied = b"X\x01\x00\x00\x00a" + _torch_tensor("0", 1 << 20, (1 << 20,), (1,), 0)
    tied += b"X\x01\x00\x00\x00b" + _torch_tensor("0", 1 << 20, (1 << 20,), (1,), 0)
    expanded = b"X\x01\x00\x00\x00c" + _torch_tensor("0", 1 << 20, (1 << 10, 8), (0, 0), 0)
    _write_tensors(tmp_path / "w.pth", b"(" + tied + expanded + b"u", 1 << 20)
    arrays = read_weights(tmp_path / "w.pth").arrays
    assert np.shares_memory(arrays["a"], arrays["b"])
    assert arrays["c"].shape == (1 << 10, 8)


def _write_tensors(path: Path, entries: bytes, elements: int) -> None:
    """A torch archive of a dict with these entries and one storage of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}" + entries + b".")
        archive.writestr("archive/data/0", b"\0" * (4 * elements))


@pytest.mark.parametrize("part", ["version", "keys"])
def test_deep_values_where_legacy_files_have_words_are_refused(part: str, tmp_path: Path) -> None:
    """Turning them into text for a message would exhaust Python's stack."""
    path, deep = tmp_path / "w.pth", b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    tensor = b"\x80\x02}X\x01\x00\x00\x00w" + _torch_tensor("0", 1, (1,), (1,), 0) + b"s."
    version, keys = (deep, dumps(["0"])) if part == "version" else (dumps(1001), deep)
    path.write_bytes(LEGACY_MAGIC + version + dumps({"little_endian": True}) + tensor + keys)
    with pytest.raises(UserError, match=r"unknown version|nothing refers to"):
        read_weights(path)


def test_a_storage_key_is_no_path(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
        tensor = _torch_tensor("../../../../etc/passwd", 4, (4,), (1,), 0)
        archive.writestr("archive/data.pkl", b"\x80\x02}X\x01\x00\x00\x00w" + tensor + b"s.")
    with pytest.raises(UserError, match="lacks its part"):
        read_weights(tmp_path / "w.pth")


def test_the_list_holds_nothing_that_acts() -> None:
    """No entry is the object it stands for, above all no builtin function."""
    for name, entry in ALLOWED.items():
        assert isinstance(entry, inert.Frozen) or entry in (inert.InertDict, inert.Opaque), name
        assert getattr(builtins, name.rpartition(".")[2], None) is not entry
