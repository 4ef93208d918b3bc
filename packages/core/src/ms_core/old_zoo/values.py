"""Values of old configurations: who said them, and of which type they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ms_core.errors import UserError

if TYPE_CHECKING:
    from ms_core.old_zoo.networks import OldNetwork

Kind = Literal["int", "number", "bool", "text", "list", "names"]
Settings = dict[str, Any]
"""Dotted key of our configuration -> value."""

_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_EXPECTED: Mapping[Kind, str] = {
    "int": "a whole number",
    "number": "a number",
    "bool": "True or False",
    "text": "text",
    "list": "a list of numbers",
    "names": "a list of names",
}
_DEEPEST = 2
"""Lists in lists, as in aspect_ratios; nothing in the old files is deeper."""


@dataclass(frozen=True)
class Old:
    """An old configuration while it is translated; values are checked, what was not given is not there."""

    values: Mapping[str, Any]
    """Old key (of several spellings the one of the YAML files) -> value; None where it was given as nothing."""
    where: Mapping[str, str]
    """Old key -> the start of an error message."""
    network: OldNetwork
    verb: str
    """What is to be run: "train", "eval", "data check", ..."""
    exists: Callable[[Path], bool]
    notes: list[str] = field(default_factory=list)
    """What somebody should know who takes this configuration along; rules add to it."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value; `default` where nothing was given."""
        value = self.values.get(key)
        return default if value is None else value

    def error(self, key: str, message: str) -> UserError:
        """An error about the value of a key that was given."""
        return UserError(f"{self.where.get(key, key)}: {message}")


def read_value(kind: Kind, value: Any, where: str) -> Any:
    """Check a value; text, as a command line gives it, is converted. Nothing ("", None) becomes None.

    Raises:
        UserError: of another type; the message starts with `where`.
    """
    if value is None or (isinstance(value, str) and value.strip() in ("", "None", "none", "null")):
        return None
    if isinstance(value, Mapping):
        raise _mismatch(kind, value, where)
    if kind in ("list", "names"):
        return _sequence(kind, value, where)
    if isinstance(value, (list, tuple)):
        raise _mismatch(kind, value, where)
    return _scalar(kind, value, where)


def _scalar(kind: Kind, value: Any, where: str) -> Any:
    if kind == "text":
        return str(value)
    if kind == "bool":
        word = str(value).strip().lower()
        if word in _BOOLS:
            return _BOOLS[word]
        raise _mismatch(kind, value, where)
    number = _number(value)
    if number is None or (kind == "int" and number != int(number)):
        raise _mismatch(kind, value, where)
    return int(number) if kind == "int" else number


def _number(value: Any) -> float | None:
    """The value as a finite number; None where it is none. True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _sequence(kind: Kind, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _mismatch(kind, value, where)
    if kind == "names":
        if any(isinstance(entry, (list, tuple, Mapping)) or entry is None for entry in value):
            raise _mismatch(kind, value, where)
        return tuple(str(entry) for entry in value)
    return _numbers(value, where, _DEEPEST)


def _numbers(value: Sequence[Any], where: str, depth: int) -> tuple[Any, ...]:
    entries: list[Any] = []
    for entry in value:
        if isinstance(entry, (list, tuple)) and depth > 1:
            entries.append(_numbers(entry, where, depth - 1))
            continue
        number = _number(entry)
        if number is None:
            raise _mismatch("list", value, where)
        entries.append(int(number) if number == int(number) else number)
    return tuple(entries)


def _mismatch(kind: Kind, value: Any, where: str) -> UserError:
    shown = repr(value)[:60] if isinstance(value, (str, float, bool)) else f"a {type(value).__name__}"
    return UserError(f"{where}: {shown} does not fit, expected {_EXPECTED[kind]}.")
