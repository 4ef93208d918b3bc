"""NumPy arrays inside pickles, rebuilt from their bytes."""

import math
import re
from typing import Any

import numpy as np

from ms_core.checkpoint.elements import check_shape, native, printable
from ms_core.checkpoint.inert import Token
from ms_core.checkpoint.weight_file import UnreadableError, damaged


class PickledDtype:
    """A NumPy dtype under reconstruction: its code comes first, its byte order by `__setstate__`."""

    __slots__ = ("code", "order")

    PLAIN = re.compile(r"[|<>=]?(\?|b1|[iu][1248]|f[248]|c8|c16|[SU]\d{1,6})")

    def __init__(self, code: Any, *_align_and_copy: Any) -> None:
        match = self.PLAIN.fullmatch(code) if isinstance(code, str) else None
        if match is None:
            raise UnreadableError(
                f"holds a NumPy array of type {printable(str(code))}, which is no array of plain numbers "
                "(dtype O means Python objects). Save numeric arrays only."
            )
        self.code = match[1]
        self.order = "="

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ("<", ">", "|", "=") or state[2] is not None or state[4] is not None:
            raise UnreadableError("holds a NumPy array of a structured type. Save numeric arrays only.")
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        """The real dtype."""
        return np.dtype(self.order + self.code)


class PickledArray:
    """A NumPy array; one under reconstruction gets its content by `__setstate__`."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray | None = None) -> None:
        self.array = array

    def __setstate__(self, state: Any) -> None:
        shape, dtype, fortran, data = state[-4:]  # a format version precedes them, but not in ancient files
        self.array = array_of(data, dtype, shape, "F" if fortran else "C")


NDARRAY = Token("numpy.ndarray")


def reconstruct(kind: Any, _shape: Any, _type_code: Any) -> PickledArray:
    """`numpy.core.multiarray._reconstruct`: an empty array, filled by BUILD."""
    if kind is not NDARRAY:
        raise UnreadableError("holds a NumPy array of an unknown subclass. Save plain arrays.")
    return PickledArray()


def array_from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> PickledArray:
    """`numpy.core.numeric._frombuffer` (protocol 5); `axes`: order of the axes in memory (NumPy 2.3)."""
    array = array_of(data, dtype, shape, order)
    return PickledArray(array if axes is None else array.transpose(tuple(axes)))


def numpy_scalar(dtype: Any, data: Any) -> PickledArray:
    """`numpy.core.multiarray.scalar`."""
    return PickledArray(array_of(data, dtype, (), "C"))


def array_of(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    """An array from its bytes; Python 2 stored them as a str, which arrives decoded as latin-1."""
    if not isinstance(dtype, PickledDtype) or not isinstance(data, bytes | bytearray | str):
        raise UnreadableError("holds a NumPy array of Python objects. Save numeric arrays only.")
    shape = tuple(shape)
    check_shape(shape, "a NumPy array")
    raw = data.encode("latin-1") if isinstance(data, str) else data
    kind = dtype.dtype()
    if len(raw) != math.prod(shape) * kind.itemsize:
        raise damaged(f"holds a NumPy array of shape {shape} whose size is wrong")
    flat = native(np.frombuffer(raw, kind) if raw else np.empty(0, kind))
    return flat.reshape(shape, order="F" if order == "F" else "C")


def no_bytes() -> bytes:
    """`bytes()`: how protocols below 3 spell the content of an empty array."""
    return b""


def encode(text: Any, encoding: Any) -> bytes:
    """`_codecs.encode`: how protocol 2 spells bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise damaged("holds bytes in an unknown encoding")
    return text.encode("latin-1")
