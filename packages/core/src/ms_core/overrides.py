"""Settings written on the command line: `--section.key value`, `--section.key=value`, lists, mappings and
bare flags.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ms_core.config_fields import Field
from ms_core.errors import UserError
from ms_core.recipes import parse_yaml

_SHORT_OPTION = re.compile(r"-[A-Za-z]$")


@dataclass(frozen=True)
class Setting:
    """One value somebody gave."""

    field: Field
    """What it is for."""
    entry: str | None
    """The name inside the mapping, where the field is one and only an entry is set."""
    value: Any
    """As YAML gave it or as the words on the command line, not yet checked."""
    where: str
    """Start of an error message: `recipe.yaml: optim.lr` or `--optim.lr`."""
    words: tuple[str, ...] = ()
    """The words on the command line it came from."""


def find_field(key: str, fields: Mapping[str, Field]) -> tuple[Field, str | None] | None:
    """The field of a dotted key in any spelling, and the entry's name where the key goes into a mapping."""
    plain = key.replace("-", "_")
    if plain in fields:
        return fields[plain], None
    for field in fields.values():
        if field.kind == "dict" and plain.startswith(field.key + "."):
            return field, key[len(field.key) + 1 :]
    return None


def split_overrides(words: Sequence[str], fields: Mapping[str, Field]) -> tuple[list[Setting], list[str]]:
    """Take the settings of a configuration out of a command line.

    Args:
        words: the command line after the verb.
        fields: every value of the configuration by dotted key.

    Returns:
        The settings in the order given, and the words that belong to no field (in their order).

    Raises:
        UserError: a setting without its value.
    """
    settings: list[Setting] = []
    rest: list[str] = []
    position = 0
    while position < len(words) and words[position] != "--":
        name, equals, attached = words[position].partition("=")
        found = find_field(name[2:], fields) if name.startswith("--") else None
        position += 1
        if found is None:
            rest.append(words[position - 1])
            continue
        field, entry = found
        taken = [attached] if equals else _following(words[position:], field, entry)
        start, position = position - 1, position + (0 if equals else len(taken))
        value = _value(field, entry, taken, name)
        settings.append(Setting(field, entry, value, name, tuple(words[start:position])))
    return settings, rest + list(words[position:])


def is_option(word: str) -> bool:
    """Whether a word starts an option; negative numbers do not."""
    return word.startswith("--") or _SHORT_OPTION.match(word) is not None


def _following(words: Sequence[str], field: Field, entry: str | None) -> list[str]:
    """The words after an option that are its value."""
    until = next((index for index, word in enumerate(words) if is_option(word)), len(words))
    values = list(words[:until])
    if entry is None and field.kind == "list":
        return values[:1] if values and values[0].startswith("[") else values
    if entry is None and field.kind == "bool":
        return [word for word in values[:1] if word.lower() in ("true", "false", "none", "null")]
    return values[:1]


def _value(field: Field, entry: str | None, words: list[str], option: str) -> Any:
    """What to check: text, a list of texts, or the mapping written as `{name: value}`."""
    if entry is None and field.kind == "bool" and not words:
        return True
    if not words:
        raise UserError(f"{option}: a value is missing. Write {option} VALUE.")
    flow = words[0][:1] in "[{" and len(words) == 1
    if entry is None and field.kind == "dict":
        return parse_yaml(words[0], option)
    if entry is None and field.kind == "list" and words not in (["none"], ["null"]):
        return parse_yaml(words[0], option) if flow and words[0] else words
    if entry is None and field.takes_list and words[0].startswith("[") and words[0].endswith("]"):
        return parse_yaml(words[0], option)
    return words[0]
