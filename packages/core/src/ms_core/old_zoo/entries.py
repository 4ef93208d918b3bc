"""A Python file of the old zoo, and a use of it, understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.words import setting_words


@dataclass(frozen=True)
class Call:
    """An old command line, read: the flags over the file."""

    package: OldPackage
    config: str
    """Our `--config`: the old file, or a recipe."""
    flags: Mapping[str, Any]
    """Old key (YAML spelling) -> text or True."""
    values: Mapping[str, Any]
    """The same, over what the file says."""
    options: Mapping[str, Any]
    """Old key -> value of those that are words of our command line, flags over the file."""
    overrides: dict[str, Any]
    """Settings by which the flags change what the file says."""
    notes: list[str] = field(default_factory=list)
    """What somebody should know who runs our command; entries add to it."""

    def words(self, verb: str, *positional: str) -> list[str]:
        """The beginning of our command."""
        known = {
            key: value
            for key, value in self.overrides.items()
            if key.startswith("data.") or not verb.startswith("data")
        }
        return [self.package, *verb.split(), *positional, "--config", self.config, *setting_words(known)]


@dataclass(frozen=True)
class Entry:
    """A Python file of the old zoo."""

    verb: str
    """Ours, by which its configuration is read."""
    build: Callable[[Call], list[str]]
    """Our command."""
    network: str = ""
    """The network where neither flags nor a file name one; empty: the package's first."""
    about: str = ""
    """What it was for, in one line."""


@dataclass(frozen=True)
class Program:
    """A Python file that read no configuration."""

    verb: str
    """Ours."""
    build: Callable[[OldPackage, Sequence[str]], list[str]]
    """Our command for the words after the file's name."""
    about: str
    """What it was for, in one line."""
