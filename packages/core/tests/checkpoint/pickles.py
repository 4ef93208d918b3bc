"""Pickles as other programs wrote them, built byte by byte where no program here can write them."""

import pickle
import struct
from typing import Any

import numpy as np

_DTYPE_STATE = b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def python2_pickle(arrays: dict[str, np.ndarray], container: str) -> bytes:
    """{container: {name: float32 array}} as Python 2's cPickle writes it at protocol 2: str, no unicode."""
    entries = b"".join(_short_string(name.encode()) + _python2_array(array) for name, array in arrays.items())
    return b"\x80\x02}" + _short_string(container.encode()) + b"}(" + entries + b"us."


def python2_text_pickle(name: str, array: np.ndarray) -> bytes:
    """What Python 2's pickle.dump(obj, file) writes: protocol 0, arrays as quoted strings with escapes."""
    content = "".join(
        f"\\x{byte:02x}" if byte < 32 or byte in (39, 92) else chr(byte) for byte in array.tobytes()
    )
    shape = "".join(f"I{size}\n" for size in array.shape)
    return (
        f"(dp0\nS'{name}'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\nS'b'\np5\n"
        f"tp6\nRp7\n(I1\n({shape}tp8\ncnumpy\ndtype\np9\n(S'f4'\np10\nI0\nI1\ntp11\nRp12\n"
        f"(I3\nS'<'\np13\nNNNI-1\nI-1\nI0\ntp14\nbI00\nS'{content}'\np15\ntp16\nbs."
    ).encode("latin-1")


def _short_string(content: bytes) -> bytes:
    return b"U" + bytes([len(content)]) + content


def _python2_array(array: np.ndarray) -> bytes:
    content = array.tobytes()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01("
        + b"".join(b"K" + bytes([size]) for size in array.shape)
        + b"tcnumpy\ndtype\n(U\x02f4K\x00K\x01tR"
        + _DTYPE_STATE
        + b"\x89T"
        + struct.pack("<i", len(content))
        + content
        + b"tb"
    )


class Calls:
    """Pickles to a call of `function` with `arguments`, which a plain unpickler would make."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def by_name(module: str, name: str) -> bytes:
    """Protocol 0 instructions that push module.name, whether or not it exists here."""
    return f"c{module}\n{name}\n".encode()


def dumps(value: Any, protocol: int = 2) -> bytes:
    """A pickle."""
    return pickle.dumps(value, protocol=protocol)
