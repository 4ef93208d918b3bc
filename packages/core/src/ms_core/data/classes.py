"""Class names: read from a file, compared, and mapped to labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ms_core.data.text import read_text
from ms_core.errors import UserError
from ms_core.nearest import nearest_names

CLASSES_FILE = "classes.txt"
"""Read when it lies beside a TXT list or in a VOC folder and no class names were passed."""


@dataclass(frozen=True)
class ClassNames:
    """Class names in label order, without background."""

    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def index(self) -> dict[str, int]:
        """Label of each name, from 0."""
        return {name: label for label, name in enumerate(self.names)}


def load_classes(classes: Sequence[str] | Path | str) -> ClassNames:
    """Names from a file (one a line, blank lines skipped) or a sequence.

    A first name "background" is dropped with a note: the old configurations list it, here it is implied.

    Raises:
        UserError: no such file, no name in it, or a name that occurs twice.
    """
    if isinstance(classes, (str, Path)):
        where = str(classes)
        names = [line.strip() for line in read_text(Path(classes), "class names").splitlines()]
        names = [name for name in names if name]
    else:
        where, names = "classes", list(classes)
    notes: tuple[str, ...] = ()
    if names and names[0].lower() == "background":
        names = names[1:]
        notes = (f"{where}: the first name, background, was left out: it is implied",)
    _refuse_bad_names(names, where)
    return ClassNames(tuple(names), notes)


def _refuse_bad_names(names: Sequence[str], where: str) -> None:
    if not names:
        raise UserError(f"{where}: no class names. Write one name a line, without background.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{where}: class '{twice[0]}' occurs twice. Every class needs its own name.")


def known_classes(name: str, known: Iterable[str]) -> str:
    """The part of a message that names the classes most like `name`, or else the first few there are."""
    names = list(known)
    near = nearest_names(name, names)
    if near:
        return f"nearest: {', '.join(near)}"
    return f"known: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
