"""Raw bytes to NumPy, for the element types that weight files use."""

import math
from collections.abc import Sequence

import numpy as np

from ms_core.checkpoint.weight_file import damaged

BFLOAT16 = "bfloat16"
"""NumPy has no such type: 2 bytes, the upper half of a float32."""

MAX_ELEMENTS = 1 << 58
"""NumPy's 63 bits for the bytes of an array, at 16 bytes an element and some to spare."""


def item_size(element: str) -> int:
    """Bytes of one element; `element` is a NumPy type code such as "f4", or BFLOAT16."""
    return 2 if element == BFLOAT16 else np.dtype(element).itemsize


def decode(data: bytes | memoryview, element: str, byte_order: str = "<") -> np.ndarray:
    """Read a flat array.

    Args:
        data: the elements, nothing else.
        element: NumPy type code without byte order, or BFLOAT16.
        byte_order: "<" little-endian or ">" big-endian.

    Returns:
        [len(data) / item size] in native byte order, sharing memory with `data` where it can;
        bfloat16 becomes float32, which holds each of its values exactly.
    """
    if element == BFLOAT16:
        upper = np.frombuffer(data, byte_order + "u2")
        return (upper.astype(np.uint32) << 16).view(np.float32)
    return native(np.frombuffer(data, np.dtype(byte_order + element)))


def native(array: np.ndarray) -> np.ndarray:
    """The same values in this machine's byte order."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def decode_shaped(data: bytes | memoryview, element: str, shape: Sequence[int], what: str) -> np.ndarray:
    """Read an array whose byte count must fit its shape exactly; `what` names it in the error."""
    check_shape(shape, what)
    expected = math.prod(shape) * item_size(element)
    if len(data) != expected:
        raise damaged(f"{what}: holds {len(data)} bytes where its shape {tuple(shape)} needs {expected}")
    return decode(data, element).reshape(tuple(shape))


def check_shape(shape: Sequence[int], what: str) -> None:
    """Refuse sizes that are not whole numbers >= 0, or that NumPy cannot count (also beside a size of 0)."""
    whole = len(shape) <= 32 and all(type(size) is int and 0 <= size < MAX_ELEMENTS for size in shape)
    if not whole or math.prod(size for size in shape if size) >= MAX_ELEMENTS:
        raise damaged(f"{what}: its shape makes no sense")


def printable(name: str) -> str:
    """A name out of an untrusted file, safe inside a one-line message."""
    shown = name if name.isprintable() else repr(name)[1:-1]
    return shown if len(shown) <= 120 else shown[:117] + "..."
