"""The TXT list: `relative/path.jpg x0,y0,x1,y1,class ...`, one image a line, classes from 1.

The order is the documented one. The old code read y first, against its own README (facts/ssd.md, section
6.6).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ms_core.data.classes import CLASSES_FILE, known_classes, load_classes
from ms_core.data.image_paths import image_base, posix_name, require_images
from ms_core.data.problems import Problems
from ms_core.data.records import Rows, build_dataset
from ms_core.data.sample import DECIMALS, DetectionDataset
from ms_core.data.text import read_text
from ms_core.errors import UserError

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|nan|inf)"
_BOX = re.compile(rf"{_NUMBER}(?:,{_NUMBER}){{4}}", re.IGNORECASE)
_ALMOST_BOX = re.compile(r"[-+\d.,]*\d,[-+\d.,]*")
"""Digits and commas that are not five numbers: a slip in a box, never the end of a path."""


@dataclass(frozen=True)
class TxtLine:
    """One image."""

    number: int
    """Line number from 1."""
    path: str
    boxes: tuple[tuple[float, ...], ...]
    """Five numbers each: x0, y0, x1, y1 pixels, class from 1."""


@dataclass(frozen=True)
class _Numbers:
    """What the class numbers of a list mean."""

    source: str
    """The file that says it, or what else to call it in messages."""
    names: tuple[str, ...]
    """The name of each number, from 1."""
    labels: tuple[int, ...]
    """The label of each; -1 where its name is not among the classes."""
    classes: tuple[str, ...]
    """The classes, in label order."""


def read_txt(
    path: Path,
    images: Path | str | None,
    classes: Sequence[str] | Path | str | None,
    problems: Problems,
    numbering: Sequence[str] | Path | str | None = None,
) -> DetectionDataset:
    """Read a TXT list; see `open_dataset`. The image id is the line number from 0."""
    lines = parse_lines(path)
    numbers, notes = _numbers(path, classes, numbering)
    rows = Rows(style="corners")
    files = [posix_name(line.path) for line in lines]
    base = image_base(path, files, images)
    rows.ids = [line.number - 1 for line in lines]
    rows.paths = [base / file for file in files]
    rows.names = [f"{path}: line {line.number}" for line in lines]
    rows.sizes = [(0, 0)] * len(lines)
    _add_boxes(rows, lines, numbers, problems)
    if not problems.collect:
        require_images(rows.paths, rows.names)
    ids = tuple(range(1, len(numbers.classes) + 1))
    return build_dataset(rows, numbers.classes, ids, path, "txt", problems, notes)


def parse_lines(path: Path) -> list[TxtLine]:
    """The images of the list; blank lines are skipped.

    Raises:
        UserError: empty, or a line with a malformed box, with the line's number.
    """
    text = read_text(path, "lines `image.jpg x0,y0,x1,y1,class ...`")
    lines = enumerate(text.split("\n"), start=1)
    return [parse_line(path, number, line.strip()) for number, line in lines if line.strip()]


def parse_line(path: Path, number: int, line: str) -> TxtLine:
    """Split one line from the right: boxes are five numbers with commas, the rest is the path.

    Raises:
        UserError: digits and commas that are no box, or no path before the boxes.
    """
    boxes: list[tuple[float, ...]] = []
    rest = line
    while rest:
        head, _, word = rest.rpartition(" ")
        if _BOX.fullmatch(word):
            boxes.append(tuple(float(value) for value in word.split(",")))
        elif _ALMOST_BOX.fullmatch(word):
            raise UserError(
                f"{path}: line {number}: '{word}' is no box. A box is x0,y0,x1,y1,class without spaces."
            )
        else:
            break
        rest = head.rstrip()
    if not rest:
        raise UserError(f"{path}: line {number}: no image path before the boxes.")
    return TxtLine(number, rest, tuple(reversed(boxes)))


def looks_like_txt(line: str) -> bool:
    """Whether a line ends in a box."""
    return _BOX.fullmatch(line.rpartition(" ")[2]) is not None and " " in line


def _numbers(
    path: Path,
    classes: Sequence[str] | Path | str | None,
    numbering: Sequence[str] | Path | str | None,
) -> tuple[_Numbers, tuple[str, ...]]:
    """What the numbers mean, and notes for the user.

    A list is numbered by the classes.txt beside it, whoever opens it: the same list must not change its meaning
    with the classes that a training set or a network happens to have.
    """
    beside = path.parent / CLASSES_FILE
    by = beside if beside.is_file() else classes if numbering is None else numbering
    if by is None:
        raise UserError(
            f"{path}: the list has class numbers only. Pass --data.classes FILE (one name a line, the "
            f"first is class 1), or put it at {beside.absolute()}."
        )
    source = str(by) if isinstance(by, (str, Path)) else "the classes"
    own = load_classes(by)
    wanted = own if classes is None else load_classes(classes)
    label_of_name = wanted.index()
    labels = tuple(label_of_name.get(name, -1) for name in own.names)
    notes = [*own.notes, *wanted.notes]
    if labels != tuple(range(len(labels))):
        notes.append(f"{path}: its class numbers are those of {source}; the names lead to the classes")
    return _Numbers(source, own.names, labels, wanted.names), tuple(dict.fromkeys(notes))


def _add_boxes(rows: Rows, lines: Sequence[TxtLine], numbers: _Numbers, problems: Problems) -> None:
    """Append every box of every line."""
    for i, line in enumerate(lines):
        for number, (*box, class_id) in enumerate(line.boxes, start=1):
            fault = _class_fault(class_id, numbers)
            if fault:
                problems.add("class" if class_id else "label", rows.names[i], f"box {number}: {fault}")
            rows.image.append(i)
            rows.box.append(box)
            rows.label.append(-1 if fault else numbers.labels[int(class_id) - 1])
            rows.crowd.append(False)
            rows.difficult.append(False)
            rows.area.append(math.nan)


def _class_fault(class_id: float, numbers: _Numbers) -> str:
    """What is wrong with a class number; empty where nothing is."""
    if class_id == 0:
        return "class 0: classes count from 1, the background is implied and has no number"
    if class_id != class_id or class_id not in range(1, len(numbers.names) + 1):
        last = len(numbers.names)
        return (
            f"class {class_id:g} is not one of 1 to {last} ({numbers.source} ends with '{numbers.names[-1]}')"
        )
    if numbers.labels[int(class_id) - 1] < 0:
        name = numbers.names[int(class_id) - 1]
        known = known_classes(name, numbers.classes)
        return f"class {class_id:g} is '{name}' ({numbers.source}), which is not among the classes ({known})"
    return ""


def format_line(path: str, boxes: np.ndarray, labels: np.ndarray) -> str:
    """One image as a line of the list; `parse_line` gives it back.

    Args:
        path: of the image, relative, with forward slashes.
        boxes: [n, 4] x0 y0 x1 y1, pixels.
        labels: [n], from 0; written from 1.

    Raises:
        UserError: a path that a line cannot hold.
    """
    if path != path.strip() or len(path.splitlines()) != 1 or _ends_like_box(path):
        raise UserError(
            f"{path!r}: a TXT list cannot hold this image path. Rename the file, or convert to COCO."
        )
    words = [
        ",".join([*map(format_number, box), str(label + 1)])
        for box, label in zip(boxes.tolist(), labels.tolist(), strict=True)
    ]
    return " ".join([path, *words])


def format_number(value: float) -> str:
    """A coordinate with up to three decimals, and none where it is whole."""
    return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")


def _ends_like_box(path: str) -> bool:
    word = path.rpartition(" ")[2]
    return bool(_BOX.fullmatch(word) or _ALMOST_BOX.fullmatch(word))
