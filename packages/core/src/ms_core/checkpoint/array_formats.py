"""`.npz` and `.safetensors`: named arrays and nothing else."""

import io
import math
import zipfile
from typing import Any

import numpy as np
import safetensors

from ms_core.checkpoint.archive import read_member
from ms_core.checkpoint.elements import BFLOAT16, check_shape, decode_shaped, native, printable
from ms_core.checkpoint.weight_file import UnreadableError, WeightFile, damaged

SAFETENSORS_ELEMENTS = {
    "BOOL": "?",
    "I8": "i1",
    "I16": "i2",
    "I32": "i4",
    "I64": "i8",
    "U8": "u1",
    "U16": "u2",
    "U32": "u4",
    "U64": "u8",
    "F16": "f2",
    "F32": "f4",
    "F64": "f8",
    "BF16": BFLOAT16,
}


def looks_like_safetensors(head: bytes, size: int) -> bool:
    """8 bytes with the length of a JSON object, then that object."""
    return head[8:9] == b"{" and 2 <= int.from_bytes(head[:8], "little") <= size - 8


def read_safetensors(data: bytes) -> WeightFile:
    """Read a whole `.safetensors` file; the library checks sizes and offsets."""
    try:  # sorted, because the library's order changes from run to run
        entries = sorted(safetensors.deserialize(data), key=lambda entry: entry[0])
    except safetensors.SafetensorError as error:
        raise damaged(f"is no whole safetensors file ({error})") from error
    return WeightFile({name: _safetensors_array(name, entry) for name, entry in entries}, {}, "safetensors")


def _safetensors_array(name: str, entry: dict[str, Any]) -> np.ndarray:
    if entry["dtype"] not in SAFETENSORS_ELEMENTS:
        raise UnreadableError(
            f"entry {printable(name)} has the type {entry['dtype']}, which cannot be read here."
        )
    element = SAFETENSORS_ELEMENTS[entry["dtype"]]
    return decode_shaped(bytes(entry["data"]), element, entry["shape"], f"entry {printable(name)}")


def is_npz(archive: zipfile.ZipFile) -> bool:
    """Whether every part of a zip file is a NumPy array."""
    names = archive.namelist()
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_npz(archive: zipfile.ZipFile) -> WeightFile:
    """Read what `numpy.savez` and `savez_compressed` write."""
    arrays = {
        name.removesuffix(".npy"): _npy_array(name, read_member(archive, name)) for name in archive.namelist()
    }
    return WeightFile(arrays, {}, "npz")


def _npy_array(name: str, data: bytes) -> np.ndarray:
    """An array without `numpy.load`, which allocates whatever size the header claims before it reads."""
    shape, fortran, dtype, start = _npy_header(name, data)
    check_shape(shape, f"part {printable(name)}")
    if dtype.hasobject or dtype.fields:
        raise UnreadableError(
            f"part {printable(name)} is an array of Python objects; refused. Save numeric arrays only."
        )
    if len(data) - start != math.prod(shape) * dtype.itemsize:
        raise damaged(f"part {printable(name)} does not have the size its header says")
    if len(data) == start:
        return np.empty(shape, dtype.newbyteorder("="))
    return native(np.frombuffer(data, dtype, offset=start)).reshape(shape, order="F" if fortran else "C")


def _npy_header(name: str, data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """(shape, Fortran order, type, position of the first element)."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(stream)
    except (ValueError, SyntaxError, RecursionError) as error:
        raise damaged(f"part {printable(name)} is no NumPy array") from error
    return shape, fortran, dtype, stream.tell()
