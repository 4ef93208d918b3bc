"""Reading pickles whose names lead nowhere but to inert records.

Python's pickle machine does run the instructions, but it is given a closed list of names (allowed.py): each
makes a record that can do nothing (inert.py), every other name is refused, and nothing is imported.
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

from ms_core.checkpoint.allowed import ALLOWED
from ms_core.checkpoint.elements import printable
from ms_core.checkpoint.weight_file import UnreadableError, damaged

INSTRUCTIONS = {instruction.code: instruction for instruction in pickletools.opcodes}
"""Code -> what a pickle can contain."""

PYTHON_2_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg", "commands": "subprocess"}
"""How protocols below 3 call modules, also when Python 3 writes them."""

PersistentLoad = Callable[[Any], Any]
"""Turns the persistent ids of a pickle (torch: its storages) into objects."""


class _InertUnpickler(pickle.Unpickler):
    """Looks names up in a closed list instead of importing them."""

    def __init__(self, data: bytes, persistent_load: PersistentLoad | None) -> None:
        super().__init__(io.BytesIO(data), encoding="latin-1")  # Python 2 strings: any byte is valid latin-1
        self._persistent_load = persistent_load

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{PYTHON_2_MODULES.get(module_name, module_name)}.{global_name}"
        if name not in ALLOWED:
            raise UnreadableError(
                f"its pickle asks for {printable(name)}, which no plain weights need; refused, "
                "nothing was run. Use a file that holds only a state dict of arrays."
            )
        return ALLOWED[name]

    def persistent_load(self, pid: Any) -> Any:
        if self._persistent_load is None:
            raise damaged("its pickle refers to data outside of it")
        return self._persistent_load(pid)


def unpickle(data: bytes, start: int = 0, persistent_load: PersistentLoad | None = None) -> tuple[Any, int]:
    """Read the pickle that begins at `start`.

    Returns:
        Its value, made of Python containers, strings, numbers and stand-ins; and the position after it.

    Raises:
        UnreadableError: it names anything outside `allowed.ALLOWED`, is truncated or is malformed.
    """
    try:
        end = _checked_end(data, start)
        return _InertUnpickler(data[start:end], persistent_load).load(), end
    except UnreadableError:
        raise
    except Exception as error:  # byte code from a stranger: almost any exception may come out of the reader
        detail = printable(f"{type(error).__name__}: {error}")
        raise damaged(f"its pickle breaks off or makes no sense ({detail})") from error


def _checked_end(data: bytes, start: int) -> int:
    """Position after the pickle at `start`, every instruction of which lies inside `data`.

    Python's reader allocates whatever size a memo instruction claims: ten bytes can cost gigabytes. Honest
    writers number the memo upwards, so a number above the count of instructions is refused.
    """
    stream = io.BytesIO(data)
    stream.seek(start)
    count = 0
    while code := stream.read(1):
        count += 1
        instruction = INSTRUCTIONS.get(code.decode("latin-1"))
        if instruction is None:
            raise damaged("its pickle has an unknown instruction")
        argument = _argument(instruction, stream)
        if instruction.name in ("PUT", "BINPUT", "LONG_BINPUT") and argument > count:
            raise UnreadableError("its pickle claims more memory than it can need. Do not use this file.")
        if instruction.name == "STOP":
            return stream.tell()
    raise damaged("its pickle breaks off")


def _argument(instruction: pickletools.OpcodeInfo, stream: io.BytesIO) -> Any:
    """The instruction's argument; a truncated one raises ValueError."""
    if instruction.arg is None:
        return None
    if instruction.name == "STRING":  # pickletools insists on ASCII here, NumPy arrays of Python 2 are not
        return stream.readline()
    return instruction.arg.reader(stream)
