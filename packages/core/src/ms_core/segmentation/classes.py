"""The classes of masks: names in label order and, where the user gives them, their colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ms_core.data.text import read_text
from ms_core.errors import UserError
from ms_core.segmentation.palette import MOST_CLASSES, default_palette

IGNORE_NAME = "ignore"
"""A line of this name in a file of classes gives a colour of pixels that count nowhere."""

Colour = tuple[int, int, int]

_BEHIND = re.compile(r"(?P<name>.*?)[\s,;]+(?P<rgb>\d{1,3}[\s,;]+\d{1,3}[\s,;]+\d{1,3})$")
_BEFORE = re.compile(r"(?P<rgb>\d{1,3}[\s,;]+\d{1,3}[\s,;]+\d{1,3})[\s,;]+(?P<name>.*)$")
_HEADING = re.compile(r"name[\s,;]+r[\s,;]+g[\s,;]+b$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class MaskClasses:
    """Names in label order, with colours for pictures."""

    names: tuple[str, ...]
    palette: np.ndarray
    """uint8 [K, 3] RGB."""
    coloured: bool = False
    """The colours are the user's, so masks may be coloured with them."""
    ignored: tuple[Colour, ...] = ()
    """Colours of pixels that count nowhere."""

    def named(self, names: Sequence[str]) -> MaskClasses:
        """The same classes in another order or among more of them; the colours go with the names."""
        if tuple(names) == self.names:
            return self
        palette = default_palette(len(names))
        for label, name in enumerate(names):
            if name in self.names:
                palette[label] = self.palette[self.names.index(name)]
        return replace(self, names=tuple(names), palette=palette)


def load_mask_classes(classes: Sequence[str] | Path | str) -> MaskClasses:
    """Classes from a sequence of names, or from a file.

    A line of the file is `name`, `name r g b` or `r g b name`, also with commas; empty lines, lines that start with
    # and a heading `name,r,g,b` are skipped. Unlike detection's, a first class "background" is a class.

    Raises:
        UserError: no such file, no or too many names, one that occurs twice, a colour that is none or occurs twice,
            or colours for some of the classes only.
    """
    if isinstance(classes, (str, Path)):
        return _from_file(Path(classes))
    _refuse_bad_names(classes, "data.classes")
    return MaskClasses(tuple(classes), default_palette(len(classes)))


def _from_file(path: Path) -> MaskClasses:
    entries: list[tuple[str, Colour | None]] = []
    ignored: list[Colour] = []
    for number, line in enumerate(read_text(path, "class names").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#") or _HEADING.match(text):
            continue
        name, colour = _entry(text, f"{path}: line {number}")
        if name.lower() == IGNORE_NAME and colour is not None:
            ignored.append(colour)
        else:
            entries.append((name, colour))
    names = [name for name, _ in entries]
    _refuse_bad_names(names, str(path))
    colours = [colour for _, colour in entries if colour is not None]
    if not colours:
        return MaskClasses(tuple(names), default_palette(len(names)), ignored=tuple(ignored))
    _refuse_bad_colours(entries, ignored, path)
    return MaskClasses(tuple(names), np.array(colours, np.uint8), True, tuple(ignored))


def _entry(text: str, where: str) -> tuple[str, Colour | None]:
    """Name and colour of one line."""
    match = _BEHIND.match(text) or _BEFORE.match(text)
    if match is None:
        return text, None
    red, green, blue = (int(number) for number in re.findall(r"\d+", match["rgb"]))
    if max(red, green, blue) > 255:
        raise UserError(f"{where}: colour {red} {green} {blue} is not within 0-255.")
    return match["name"].strip(), (red, green, blue)


def _refuse_bad_names(names: Sequence[str], where: str) -> None:
    if not names:
        raise UserError(f"{where}: no class names. Write one name a line, in the order of the mask values.")
    if len(names) > MOST_CLASSES:
        raise UserError(f"{where}: {len(names)} classes; masks of 8 bits hold at most {MOST_CLASSES}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{where}: class '{twice[0]}' occurs twice. Every class needs its own name.")


def _refuse_bad_colours(
    entries: Sequence[tuple[str, Colour | None]], ignored: Sequence[Colour], path: Path
) -> None:
    owner: dict[Colour, str] = dict.fromkeys(ignored, IGNORE_NAME)
    for name, colour in entries:
        if colour is None:
            raise UserError(
                f"{path}: class '{name}' has no colour, but others have. Give all of them, or none."
            )
        if colour in owner:
            shown = " ".join(map(str, colour))
            raise UserError(f"{path}: classes '{owner[colour]}' and '{name}' have the same colour {shown}.")
        owner[colour] = name
