"""Frozen dataclasses from JSON that people or other programs may have changed: what does not fit is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")


def from_json(kind: type[Kind], content: Mapping[str, Any], place: str = "") -> Kind:
    """An instance of the dataclass `kind`.

    Args:
        kind: its fields are str, int, float, bool, Literal, None, dataclasses, tuples and unions of these.
        content: a JSON object; its lists become tuples.
        place: name of the entry that holds `content`, for messages.

    Raises:
        ValueError: `entry: what is wrong`: an entry is missing, unknown, or of another type, or `kind` itself
            refuses what it is given.
    """
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := [key for key in content if key not in known]:
        raise ValueError(f"{_inside(place, unknown[0])}: no such entry")
    for name, field in known.items():
        if name not in content and field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{_inside(place, name)}: is missing")
    values = {name: _value(hints[name], value, _inside(place, name)) for name, value in content.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{place}: {error}" if place else str(error)) from error


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _value(hint: Any, value: Any, place: str) -> Any:
    """`value` as the type `hint` wants it."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _one_of(parts, value, place)
    if origin is Literal:
        if value not in parts or isinstance(value, bool):
            raise ValueError(f"{place}: {value!r} is not one of {', '.join(map(str, parts))}")
        return value
    if origin is tuple:
        return _tuple(parts, value, place)
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise ValueError(f"{place}: no JSON object")
        return from_json(hint, value, place)  # type: ignore[arg-type]
    return _plain(hint, value, place)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    (kind,) = (kind for kind in kinds if kind is not type(None))
    return _value(kind, value, place)


def _tuple(parts: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{place}: no list")
    if parts[-1] is Ellipsis:
        parts = parts[:1] * len(value)
    if len(parts) != len(value):
        raise ValueError(f"{place}: {len(value)} values, {len(parts)} are needed")
    return tuple(
        _value(part, each, f"{place}[{i}]") for i, (part, each) in enumerate(zip(parts, value, strict=True))
    )


def _plain(kind: type, value: Any, place: str) -> Any:
    """A str, int, float or bool; whole numbers count as float, truth values as neither number."""
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{place}: {value!r} is no {_WORDS[kind]}")
    return kind(value)


_WORDS = {str: "text", int: "whole number", float: "number", bool: "truth value"}
