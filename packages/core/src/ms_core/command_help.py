"""What `--help` prints, and the reading of a verb's own arguments."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import textwrap
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NoReturn

from ms_core.config_fields import Field, Section, describe, sections_of, shown
from ms_core.errors import UserError
from ms_core.recipes import recipe_names

if TYPE_CHECKING:
    from importlib.abc import Traversable


class VerbParser(argparse.ArgumentParser):
    """argparse without abbreviations, with hyphen and underscore alike, whose errors are UserErrors."""

    def __init__(self, command: str, description: str, example: str) -> None:
        epilog = f"example: {example.replace('{command}', command)}" if example else None
        super().__init__(
            prog=command,
            description=_sentence(description),
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=_help_format,
        )
        self.add_argument("--debug", action="store_true", help="show where an error came from")

    def error(self, message: str) -> NoReturn:
        """Wrong use."""
        raise UserError(f"{message.rstrip('.')}. See {self.prog} --help.")

    def option_names(self) -> list[str]:
        """Every option of the verb itself."""
        return [name for name in self._option_string_actions if name.startswith("--")]

    def parse_known_words(self, words: list[str]) -> tuple[argparse.Namespace, list[str]]:
        """Parse options and positional arguments in any order; returns what is unknown as well."""
        return self.parse_known_intermixed_args([self._spelled(word) for word in words])

    def _spelled(self, word: str) -> str:
        """The option as it was declared: `--min_score` is `--min-score`."""
        name, equals, value = word.partition("=")
        spelling = {option.replace("_", "-"): option for option in self.option_names()}
        return spelling.get(name.replace("_", "-"), name) + equals + value if word.startswith("--") else word


def list_of_verbs(command: str, verbs: Mapping[str, str], description: str) -> str:
    """The help of a command with verbs."""
    width = max(map(len, verbs)) + 2
    lines = [f"  {name:<{width}}{line}" for name, line in verbs.items()]
    head = [f"usage: {command} VERB ...", *([] if not description else ["", _sentence(description)])]
    tail = ["", f"{command} VERB --help tells more. Everywhere: --debug shows where an error came from."]
    return "\n".join([*head, "", "verbs:", *lines, *tail])


def add_config_help(
    parser: VerbParser, config: type, recipes: Traversable | None, hidden: Collection[str] = ()
) -> None:
    """Add `--config`, and a help section for every section of the configuration (read by `load_config`, not
    here) without the `hidden` keys.
    """
    names = recipe_names(recipes)
    known = f": {', '.join(names)}" if names else ""
    parser.add_argument("--config", metavar="NAME_OR_PATH", help=f"recipe to start from{_escaped(known)}")
    own_options = set(parser.option_names())
    for section in sections_of(config):
        _add_section(parser, section, own_options, hidden)


def _add_section(parser: VerbParser, section: Section, taken: set[str], hidden: Collection[str]) -> None:
    if not section.fields:
        return
    title = " - ".join(filter(None, (section.key or "configuration", section.help)))
    group = parser.add_argument_group(title)
    for field in section.fields:
        if field.key in hidden:
            continue
        if field.option in taken:
            raise ValueError(
                f"{parser.prog}: {field.option} is declared by add_arguments and by the configuration"
            )
        group._group_actions.append(  # only shown: argparse never reads these
            argparse.Action(
                [field.option], dest=field.key, nargs=None, metavar=describe(field.type), help=_line(field)
            )
        )


def _line(field: Field) -> str:
    default = "required" if field.default is dataclasses.MISSING else f"default: {shown(field.default)}"
    return _escaped(f"{field.help} ({default})".strip())


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _escaped(text: str) -> str:
    """argparse expands % in help texts."""
    return text.replace("%", "%%")


def _help_format(prog: str) -> argparse.HelpFormatter:
    columns = shutil.get_terminal_size(fallback=(110, 24)).columns
    return _Format(prog, max_help_position=34, width=min(columns, 110))


class _Format(argparse.HelpFormatter):
    """A usage line that stays one line, and every example as written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent + "  ")
