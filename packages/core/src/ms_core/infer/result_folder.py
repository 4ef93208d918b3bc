"""The results of the C++ programs: raw arrays in files, and an index that says what they are.

A folder holds NAME_0.bin, NAME_1.bin, ... for each picture, the outputs of the model in their order, raw and
little-endian, and index.jsonl with an object a line:

    {"picture": ..., "name": NAME, "width": ..., "height": ..., "outputs": [{"file", "shape", "dtype"}, ...]}
    {"picture": ..., "error": "why it was not done"}

The programs of the old zoo wrote no index; such folders are paired by name alone, see `old_results`.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

import numpy as np

from ms_core.errors import UserError
from ms_core.json_dataclass import from_json

INDEX = "index.jsonl"
BIN = "_0.bin"
"""End of the name of the first output of every picture."""
_DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "int32": np.dtype("<i4"),
    "uint8": np.dtype("u1"),
}

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class OutputFile:
    """One output of one picture."""

    file: str
    """Name in the folder."""
    shape: tuple[int, ...]
    """Without a batch axis."""
    dtype: Literal["float32", "int32", "uint8"]
    """Of its values."""


@dataclass(frozen=True, kw_only=True)
class PictureResult:
    """What the model said about a picture."""

    picture: str
    """Its path as the program listed it; the name where there is no index."""
    name: str
    """Its files begin with it."""
    width: int | None = None
    """Of the upright picture, pixels; None where there is no index."""
    height: int | None = None
    """Of the upright picture, pixels; None where there is no index."""
    outputs: tuple[OutputFile, ...]
    """In the model's order; empty shapes are not known."""

    def read(self, folder: Path) -> list[np.ndarray]:
        """The outputs; arrays that cannot be written to.

        Raises:
            UserError: a file that cannot be read, or of another length than the index says.
        """
        return [_read(folder / output.file, output.shape, _DTYPES[output.dtype]) for output in self.outputs]


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """A line of the index for a picture that was not done."""

    picture: str
    error: str


@dataclass(frozen=True)
class ResultFolder:
    """What lies in a folder; its arrays are read one picture at a time."""

    path: Path
    results: tuple[PictureResult, ...]
    """Pictures that were done."""
    failures: tuple[tuple[str, str], ...] = ()
    """(picture, why it was not done)."""

    def failure_note(self) -> str:
        """One line for the user; "" where all pictures were done."""
        if not self.failures:
            return ""
        (picture, why), count = self.failures[0], len(self.failures)
        were = "1 picture was" if count == 1 else f"{count} pictures were"
        return f"{were} not done, such as {picture}: {why}"


def is_result_folder(target: Path) -> bool:
    """Whether a folder holds results, with or without an index."""
    return target.is_dir() and ((target / INDEX).is_file() or next(target.glob(f"*{BIN}"), None) is not None)


def has_index(folder: Path) -> bool:
    """Whether a program of ours wrote the folder."""
    return (folder / INDEX).is_file()


def read_results(folder: Path) -> ResultFolder:
    """The results that the index of a folder lists.

    Raises:
        UserError: no index, a damaged line, or no picture that was done.
    """
    path = folder / INDEX
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from error
    results: list[PictureResult] = []
    failures: list[tuple[str, str]] = []
    for number, line in enumerate(lines, start=1):
        entry = _entry(line, f"{path}: line {number}")
        if isinstance(entry, _Failure):
            failures.append((entry.picture, entry.error))
        else:
            results.append(entry)
    found = ResultFolder(folder, tuple(results), tuple(failures))
    if not results:
        raise UserError(f"{path}: no picture was done. {found.failure_note() or 'The index is empty'}.")
    return found


def old_results(folder: Path, dtypes: Sequence[str]) -> ResultFolder:
    """The results in a folder without an index: NAME_0.bin, ... of unknown shapes.

    Args:
        folder: of the files.
        dtypes: of the outputs, which are as many.

    Raises:
        UserError: none there, or one of the files of a picture is missing.
    """
    results = []
    for first in sorted(folder.glob(f"*{BIN}")):
        name = first.name.removesuffix(BIN)
        files = [f"{name}_{place}.bin" for place in range(len(dtypes))]
        for file in files:
            if not (folder / file).is_file():
                raise UserError(f"{first}: {file} is not beside it.")
        outputs = tuple(
            OutputFile(file=file, shape=(), dtype=cast(Any, dtype))
            for file, dtype in zip(files, dtypes, strict=True)
        )
        results.append(PictureResult(picture=name, name=name, outputs=outputs))
    if not results:
        raise UserError(f"{folder}: no results (*{BIN}) in this folder.")
    return ResultFolder(folder, tuple(results))


class PicturesByName(Generic[Item]):
    """Finds what a result belongs to among the items of a data set: by the end of its path, its name, or an id.

    Args:
        items: (picture file, id or None, item).
    """

    def __init__(self, items: Sequence[tuple[Path, int | None, Item]]) -> None:
        self._by_name: dict[str, list[tuple[Path, Item]]] = defaultdict(list)
        self._by_stem: dict[str, list[tuple[Path, Item]]] = defaultdict(list)
        self._by_id: dict[int, Item] = {}
        for path, number, item in items:
            self._by_name[path.name].append((path, item))
            self._by_stem[path.stem].append((path, item))
            if number is not None:
                self._by_id[number] = item

    def find(self, result: PictureResult) -> Item:
        """The item of a result.

        Raises:
            UserError: none, or several that it could be.
        """
        listed = Path(result.picture)
        candidates = self._by_name.get(listed.name) or self._by_stem.get(listed.name) or []
        if len(candidates) > 1:
            candidates = _most_alike(listed, candidates)
        if len(candidates) > 1:
            files = " and ".join(str(path) for path, _ in candidates[:2])
            raise UserError(f"{result.picture}: could be {files}. Run the program on the folder above both.")
        if candidates:
            return candidates[0][1]
        number = listed.stem
        if number.isascii() and number.isdigit() and int(number) in self._by_id:
            return self._by_id[int(number)]
        raise UserError(f"no image is called {listed.stem}, and none has it as id. Check --data.val.")


def _most_alike(listed: Path, candidates: Sequence[tuple[Path, Item]]) -> list[tuple[Path, Item]]:
    """Those whose path has most last parts in common with `listed`."""
    lengths = [_common_end(listed, path.absolute()) for path, _ in candidates]
    return [each for each, length in zip(candidates, lengths, strict=True) if length == max(lengths)]


def _common_end(first: Path, second: Path) -> int:
    """How many last parts two paths share."""
    pairs = zip(reversed(first.parts), reversed(second.parts), strict=False)
    return next(
        (count for count, (a, b) in enumerate(pairs) if a != b), min(len(first.parts), len(second.parts))
    )


def _entry(line: str, where: str) -> PictureResult | _Failure:
    try:
        content = json.loads(line)
        if not isinstance(content, dict):
            raise ValueError("no JSON object")
        if "error" in content:
            return from_json(_Failure, content)
        result = from_json(PictureResult, content)
        _check(result)
    except ValueError as error:
        raise UserError(f"{where}: {error}. Run the program again.") from error
    return result


def _check(entry: PictureResult) -> None:
    """Raises ValueError."""
    if entry.width is None or entry.height is None or min(entry.width, entry.height) < 1:
        raise ValueError(f"width, height: {entry.width} x {entry.height} is no size of a picture")
    if not entry.outputs:
        raise ValueError("outputs: none")
    for output in entry.outputs:
        if Path(output.file).name != output.file or "\\" in output.file:
            raise ValueError(f"file: {output.file!r} is no name of a file in this folder")
        if not output.shape or min(output.shape) < 1:
            raise ValueError(f"shape: {list(output.shape)} of {output.file} is none")


def _read(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Args: shape: () leaves the values in one row."""
    try:
        values = np.frombuffer(path.read_bytes(), dtype)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise UserError(f"{path}: no {dtype.name} values: {error}.") from error
    if shape and len(values) != math.prod(shape):
        raise UserError(f"{path}: {len(values)} values, the index says {list(shape)}. Run the program again.")
    return values.reshape(shape) if shape else values
