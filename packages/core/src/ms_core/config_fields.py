"""The fields of a nested configuration dataclass: their dotted keys, documentation, and the check of a value.

A configuration is a frozen dataclass whose fields are values or further frozen dataclasses; a docstring
under a field documents it. `jsonargparse` checks and converts the values.
"""

import ast
import dataclasses
import inspect
import itertools
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ms_core.errors import UserError

Kind = Literal["scalar", "bool", "list", "dict"]
_NAMES = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH", bool: "true|false", type(None): "null"}


@dataclass(frozen=True)
class Field:
    """One value of a configuration."""

    key: str
    """Dotted path from the root, with underscores: `data.invalid_boxes`."""
    type: Any
    """The annotation, resolved."""
    default: Any
    """Value when no file and no option gives one; `dataclasses.MISSING` when one must be given."""
    help: str
    """The docstring under the field, in one line."""

    @property
    def option(self) -> str:
        """The spelling on the command line: `--data.invalid-boxes`."""
        return "--" + self.key.replace("_", "-")

    @property
    def optional(self) -> bool:
        """Whether null is a value."""
        return type(None) in _members(self.type)

    @property
    def takes_list(self) -> bool:
        """Whether a list is a value, beside others or alone."""
        return any(get_origin(member) in (tuple, list) for member in _members(self.type))

    @property
    def kind(self) -> Kind:
        """How many words the field takes on the command line: one, none or one (bool), several, or a
        mapping.
        """
        origins = {get_origin(member) or member for member in _members(self.type)} - {type(None)}
        if origins <= {tuple, list}:
            return "list"
        if dict in origins:
            return "dict"
        return "bool" if origins == {bool} else "scalar"


@dataclass(frozen=True)
class Section:
    """A dataclass inside the configuration: the heading above its fields in the help."""

    key: str
    """Dotted path from the root; empty for the root."""
    help: str
    """The docstring under the field that holds the section, without the full stop."""
    fields: tuple[Field, ...]
    """Its own values, without those of nested sections."""


def sections_of(config: type) -> tuple[Section, ...]:
    """Every section of the configuration, the root first, in the order of the source."""
    return _sections(config, "", None, "")


def fields_of(config: type) -> dict[str, Field]:
    """Every value of the configuration by dotted key."""
    return {field.key: field for section in sections_of(config) for field in section.fields}


def convert(field: Field, value: Any, where: str) -> Any:
    """Check `value` (from YAML, or text from the command line) against the field's type and convert it.

    Raises:
        UserError: it does not fit; the message starts with `where`.
    """
    if value is None and not field.optional:
        raise UserError(f"{where}: null is not allowed, expected {describe(field.type)}.")
    if field.optional and isinstance(value, str) and value.lower() in ("none", "null"):
        literals = [choice for member in _members(field.type) for choice in get_args(member)]
        value = value if value in literals else None
    try:
        return _checked(field.type, value)
    except _type_errors():
        raise UserError(f"{where}: {shown(value)} does not fit, expected {describe(field.type)}.") from None


def describe(annotation: Any) -> str:
    """A type in the words of the command line: `INTEGER`, `error|drop`, `NUMBER [NUMBER ...]`,
    `PATH|null`.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "|".join(str(choice) for choice in arguments)
    if origin in (Union, types.UnionType):
        return "|".join(describe(member) for member in arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return " ".join(describe(argument) for argument in arguments)
    if origin in (tuple, list):
        return f"{describe(arguments[0])} [{describe(arguments[0])} ...]"
    if origin is dict:
        return f"{{NAME: {describe(arguments[1])}, ...}}"
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def shown(value: Any) -> str:
    """A value as somebody would write it on the command line."""
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, (tuple, list)):
        return " ".join(shown(element) for element in value) if value else "[]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return repr(value) if isinstance(value, str) and (not value or " " in value) else str(value)


def _sections(config: type, prefix: str, instance: Any, heading: str) -> tuple[Section, ...]:
    """`instance` is the section's own default: `train: TrainConfig = TrainConfig(epochs=5)` has other
    defaults.
    """
    own: list[Field] = []
    nested: list[Section] = []
    documentation = _field_docstrings(config)
    for name, annotation, default in annotated(config, instance):
        if dataclasses.is_dataclass(annotation):
            given = None if default is dataclasses.MISSING else default
            above = documentation.get(name, "")
            nested += _sections(annotation, f"{prefix}{name}.", given, above)  # type: ignore[arg-type]
        else:
            own.append(Field(prefix + name, annotation, default, documentation.get(name, "")))
    return Section(prefix.rstrip("."), heading.rstrip("."), tuple(own)), *nested


def annotated(config: type, instance: Any = None) -> Iterator[tuple[str, Any, Any]]:
    """(name, resolved annotation, default) of each direct field; the default is `instance`'s value if one
    is given.
    """
    hints = get_type_hints(config)
    for field in dataclasses.fields(config):
        if instance is not None:
            default = getattr(instance, field.name)
        elif field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        else:
            default = field.default
        if field.init:
            yield field.name, hints[field.name], default


@cache
def _field_docstrings(config: type) -> dict[str, str]:
    """name -> the string under the field, of the class and its bases."""
    found: dict[str, str] = {}
    for base in reversed(config.__mro__):
        if dataclasses.is_dataclass(base):
            found.update(_docstrings_in(textwrap.dedent(inspect.getsource(base))))
    return found


def _docstrings_in(source: str) -> Iterator[tuple[str, str]]:
    body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    for statement, following in itertools.pairwise(body):
        text = following.value if isinstance(following, ast.Expr) else None
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(text, ast.Constant)
            and isinstance(text.value, str)
        ):
            yield statement.target.id, " ".join(text.value.split())  # type: ignore[union-attr]


def _members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, or the type itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _checked(annotation: Any, value: Any) -> Any:
    if isinstance(value, str) and annotation is float:
        return float(value)  # jsonargparse reads "inf" and "nan" as text
    return _type_parser(annotation).parse_object({"value": value}).value


def _type_errors() -> tuple[type[Exception], ...]:
    import argparse

    return (argparse.ArgumentError, ValueError, TypeError)


@cache
def _type_parser(annotation: Any) -> Any:
    from jsonargparse import ArgumentParser  # 0.2 s: only when there is a value to check

    parser = ArgumentParser(exit_on_error=False, add_help=False)
    parser.add_argument("--value", type=annotation)
    return parser
