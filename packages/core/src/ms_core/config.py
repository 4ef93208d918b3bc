"""Configurations: frozen dataclasses filled from YAML recipes and the command line, which always wins."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from ms_core.config_fields import Field, annotated, convert, fields_of
from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.overrides import Setting, find_field, split_overrides
from ms_core.recipes import Recipe, dump_yaml, read_recipe

if TYPE_CHECKING:
    from importlib.abc import Traversable

T = TypeVar("T")


def load_config(
    config: type[T],
    *,
    recipe: str | Path | Recipe | None = None,
    overrides: Sequence[str] = (),
    recipes: Traversable | None = None,
) -> T:
    """Fill a configuration: defaults, then the recipe (and what it builds on), then the overrides.

    Args:
        config: a frozen dataclass; its fields are int, float, bool, str, Path, Optional, Literal, tuple,
            dict[str, float or int] or further frozen dataclasses.
        recipe: YAML file, or the name of a recipe in `recipes`; None for the defaults. Settings that were read
            already are taken as far as this configuration has them.
        overrides: as on the command line: `["--train.epochs", "3", "--optim.lr=1e-3"]`.
        recipes: the folder of recipes that comes with the package.

    Raises:
        UserError: unknown key (with the nearest names), wrong type, missing value or unreadable recipe.
    """
    fields = fields_of(config)
    settings, unknown = split_overrides(overrides, fields)
    if unknown:
        raise UserError(unknown_option(unknown[0], [field.option for field in fields.values()]))
    from_recipe = _recipe_settings(recipe, recipes, fields) if recipe is not None else []
    return _build(config, _values(fields, [*from_recipe, *settings]), "")


def to_yaml(config: Any) -> str:
    """The resolved configuration as YAML; `load_config` with it as the recipe gives an equal
    configuration.
    """
    return dump_yaml(_plain(config))


def unknown_option(word: str, known: Iterable[str]) -> str:
    """The error line for a word on the command line that means nothing, with the nearest options."""
    name = word.partition("=")[0]
    if not name.startswith("-"):
        return f"'{word}' is not expected here."
    return f"{name}: unknown option.{did_you_mean(name, known)}"


def _recipe_settings(
    recipe: str | Path | Recipe, recipes: Traversable | None, fields: Mapping[str, Field]
) -> list[Setting]:
    if isinstance(recipe, Mapping):
        recipe = {key: entry for key, entry in recipe.items() if find_field(key, fields)}
    settings = []
    for key, (value, file) in (
        recipe if isinstance(recipe, Mapping) else read_recipe(recipe, recipes)
    ).items():
        found = find_field(key, fields)
        if found is not None:
            settings.append(Setting(*found, value, f"{file}: {key}"))
        elif value is not None or not _is_section(
            key, fields
        ):  # `optim:` with nothing under it is no mistake
            raise UserError(f"{file}: {key}: {_unknown_key(key, fields)}")
    return settings


def _unknown_key(key: str, fields: Mapping[str, Field]) -> str:
    if _is_section(key, fields):
        return "is a section, its keys belong under it, indented."
    return f"unknown key.{did_you_mean(key, fields)}"


def _is_section(key: str, fields: Mapping[str, Field]) -> bool:
    return any(name.startswith(key.replace("-", "_") + ".") for name in fields)


def _values(fields: Mapping[str, Field], settings: Iterable[Setting]) -> dict[str, Any]:
    """Dotted key -> converted value; a later setting replaces an earlier one, an entry is added to its
    mapping.
    """
    values = {key: field.default for key, field in fields.items()}
    for setting in settings:
        field = setting.field
        if setting.entry is None:
            values[field.key] = convert(field, setting.value, setting.where)
        else:
            before = values[field.key] if isinstance(values[field.key], dict) else {}
            entry = convert(field, {setting.entry: _number(setting.value, field.type)}, setting.where)
            values[field.key] = {**before, **entry}
    return values


def _number(value: Any, mapping: Any) -> Any:
    """An entry of `mapping`, such as dict[str, int], as a number of its kind; what is none stays as it is."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    whole = get_args(mapping)[-1:] == (int,) and number.is_integer()
    return int(number) if whole else number


def _build(config: type[T], values: Mapping[str, Any], prefix: str) -> T:
    arguments = {}
    for name, annotation, _ in annotated(config):
        if dataclasses.is_dataclass(annotation):
            arguments[name] = _build(annotation, values, f"{prefix}{name}.")  # type: ignore[arg-type]
        elif values[prefix + name] is dataclasses.MISSING:
            raise UserError(f"--{(prefix + name).replace('_', '-')}: a value is needed.")
        else:
            arguments[name] = values[prefix + name]
    try:
        return config(**arguments)
    except ValueError as error:  # a check in the dataclass's own __post_init__
        raise UserError(f"{prefix}{error}") from error


def _plain(value: Any) -> Any:
    """Only what YAML knows: mappings, lists, text, numbers, booleans, null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.init
        }
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    return value.as_posix() if isinstance(value, Path) else value
