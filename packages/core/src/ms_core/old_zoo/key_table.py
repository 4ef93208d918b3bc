"""One row of a table of old keys, and the few kinds of rows that there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ms_core.old_zoo.values import Kind, Old, Settings

Becomes = Literal["setting", "option", "structure", "dead"]
Rule = Callable[[Old], Settings]


@dataclass(frozen=True)
class OldKey:
    """One key."""

    name: str
    becomes: Becomes
    """"setting": keys of our configuration; "option": a word of our command line; "structure": must be what the
    network has; "dead": nothing."""
    kind: Kind = "text"
    ours: tuple[str, ...] = ()
    """Our keys or command words."""
    note: str = ""
    """How the value is converted, or why there is nothing to convert it to; one line."""
    rule: Rule | None = None
    """Converts it, together with the keys that have the same rule; None: the value goes over as it is."""
    same_as: str = ""
    """The YAML spelling, where this is another one."""

    def __str__(self) -> str:
        """What becomes of it, without its name: `schedule.lr (times 8)`."""
        if self.same_as:
            ours = f"as {self.same_as}"
        elif self.becomes == "structure":
            ours = "must be the network's value"
        else:
            ours = ", ".join(self.ours) or "nothing"
        return f"{ours} ({self.note})" if self.note else ours


Groups = Mapping[str, tuple[OldKey, ...]]
"""What keys are about -> the keys, in the order of docs/migrate.md."""


def same(name: str, kind: Kind, ours: str, note: str = "") -> OldKey:
    """A key whose value goes over as it is."""
    return OldKey(name, "setting", kind, (ours,), note)


def ruled(name: str, kind: Kind, rule: Rule, ours: str, note: str = "") -> OldKey:
    """A key whose value is converted; `ours` are our keys, with blanks between them."""
    return OldKey(name, "setting", kind, tuple(ours.split()), note, rule)


def option(name: str, kind: Kind, ours: str, note: str = "") -> OldKey:
    """A key that is a word of our command line."""
    return OldKey(name, "option", kind, (ours,), note)


def structure(name: str, kind: Kind, note: str = "") -> OldKey:
    """A key whose value the network has or has not."""
    return OldKey(name, "structure", kind, (), note)


def alias(name: str, same_as: str, note: str = "") -> OldKey:
    """Another spelling of a key."""
    return OldKey(name, "setting", note=note, same_as=same_as)


def dead(name: str, why: str) -> OldKey:
    """A key of which nothing becomes."""
    return OldKey(name, "dead", note=why)


def by_name(groups: Groups) -> dict[str, OldKey]:
    """Old key -> what becomes of it."""
    return {key.name: key for keys in groups.values() for key in keys}
