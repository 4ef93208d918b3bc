"""Recipes: YAML files of settings, each of which may build on another one by `base: NAME_OR_PATH`."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean

if TYPE_CHECKING:
    from importlib.abc import Traversable

Recipe = dict[str, tuple[Any, str]]
"""Dotted key -> (value as YAML gave it, the file it came from)."""

# PyYAML follows YAML 1.1 and reads `off` as false, `1e-3` as text, `1:30` as 90; these are YAML 1.2's rules.
_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?[0-9][0-9_]*|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(?:[0-9][0-9_]*\.[0-9]*|\.[0-9]+|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    "null": (r"~|null|Null|NULL|", "~nN\0"),
}
_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = {
    "": [("tag:yaml.org,2002:null", re.compile(r"\Z"))]
}
for _kind, (_pattern, _first_characters) in _SCALARS.items():
    for _character in _first_characters:
        _rule = (f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_pattern})\Z"))
        _RESOLVERS.setdefault(_character, []).append(_rule)


_YAML_ERRORS = (yaml.YAMLError, RecursionError, ValueError)  # ValueError: a date or number that is none
_BRACKET = re.compile(r"[\[\]{}]")
_DEEPEST = 100
"""Lists in lists, more than any configuration has."""


class _LenientLoader(yaml.SafeLoader):
    yaml_implicit_resolvers = _RESOLVERS


class _Loader(_LenientLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                raise yaml.constructor.ConstructorError(None, None, f"{key} appears twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = (
        _RESOLVERS  # so that text which looks like a number is quoted and loads back equal
    )

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        return super().represent_sequence(tag, sequence, flow_style=True)  # [300, 300] in one line


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text; `1e-3` is a number and only true and false are booleans.

    Raises:
        UserError: not YAML; the message starts with `where` and names the line.
    """
    _refuse_deep_nesting(text, where)
    try:
        return yaml.load(text, _Loader)  # a SafeLoader
    except _YAML_ERRORS as error:
        raise _not_yaml(where, error) from error


def parse_yaml_documents(text: str, where: str) -> list[Any]:
    """The values of every document of a YAML text by the same rules, but a key that appears twice is no error: as in
    the files of other programs, its last value counts.

    Raises:
        UserError: as `parse_yaml`.
    """
    _refuse_deep_nesting(text, where)
    try:
        return list(yaml.load_all(text, _LenientLoader))  # a SafeLoader
    except _YAML_ERRORS as error:
        raise _not_yaml(where, error) from error


def _refuse_deep_nesting(text: str, where: str) -> None:
    """PyYAML needs a quarter of a minute to find that 5000 brackets are too many for it."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEEPEST:
            raise UserError(f"{where}: not valid YAML: nested too deeply.")


def _not_yaml(where: str, error: Exception) -> UserError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "cannot be read"
    line = f" line {mark.line + 1}:" if mark else ""
    return UserError(f"{where}:{line} not valid YAML: {problem}.")


def dump_yaml(value: Mapping[str, Any]) -> str:
    """Mappings, lists and scalars as YAML which `parse_yaml` reads back equal; keys keep their order."""
    return yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )


def read_recipe(name: str | Path, folder: Traversable | None) -> Recipe:
    """The settings of a recipe and of everything it builds on; what a recipe says overrides its base.

    Args:
        name: file path, or the name of a recipe in `folder` without `.yaml`.
        folder: the recipes that come with a package.

    Raises:
        UserError: unknown recipe, unreadable file, or bases that lead in a circle.
    """
    return _merged(_find(str(name), folder, None), folder, ())


def recipe_names(folder: Traversable | None) -> list[str]:
    """Names of the recipes in a package's folder, sorted."""
    if folder is None or not folder.is_dir():
        return []
    return sorted(entry.name[: -len(".yaml")] for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def _merged(file: Traversable, folder: Traversable | None, above: tuple[str, ...]) -> Recipe:
    where = str(file)
    if where in above:
        raise UserError(
            f"{above[0]}: the bases lead in a circle: {' -> '.join((*above, where))}. Remove one `base:`."
        )
    settings = _read(file)
    base = settings.pop("base", None)
    if base is None:
        return _flat(settings, where)
    if not isinstance(base, str):
        raise UserError(f"{where}: base: expected the name or path of one recipe, got {base}.")
    own = _flat(settings, where)
    beneath = _merged(_find(base, folder, file), folder, (*above, where))
    return {**{key: value for key, value in beneath.items() if not _covered(key, own)}, **own}


def _covered(key: str, settings: Recipe) -> bool:
    """Whether the key, or a mapping it is an entry of, is set anew."""
    parts = key.split(".")
    return any(".".join(parts[:length]) in settings for length in range(1, len(parts) + 1))


def _read(file: Traversable) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read: {error}.") from error
    settings = parse_yaml(text, str(file))
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UserError(
            f"{file}: a recipe is a mapping of keys to values, this is a {type(settings).__name__}."
        )
    return settings


def _flat(settings: Mapping[Any, Any], where: str, prefix: str = "") -> Recipe:
    """Dotted keys for nested mappings; a mapping that is itself a value is put together again by the
    caller.
    """
    flat: Recipe = {}
    for key, value in settings.items():
        dotted = prefix + str(key)
        if isinstance(value, dict) and value:
            flat.update(_flat(value, where, dotted + "."))
        else:
            flat[dotted] = (value, where)
    return flat


def _find(name: str, folder: Traversable | None, beside: Traversable | None) -> Traversable:
    """A file beside the recipe that names it, a packaged recipe, or a path from the working folder, in this
    order.
    """
    packaged = [folder.joinpath(f"{name}.yaml")] if folder is not None and Path(name).name == name else []
    written = [beside.parent / name, beside.parent / f"{name}.yaml"] if isinstance(beside, Path) else []
    for candidate in (*written, *packaged, Path(name)):
        if candidate.is_file():
            return candidate
    names = recipe_names(folder)
    known = f" Recipes of this package: {', '.join(names)}." if names else ""
    source = f"{beside}: base: " if beside else ""
    raise UserError(f"{source}{name}: no such recipe or file.{did_you_mean(name, names)}{known}")
