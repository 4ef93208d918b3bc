"""Detections from the result folder of a C++ program, one picture at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ms_core.data.images import SIZE_TOLERANCE
from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.infer.result_folder import (
    PictureResult,
    PicturesByName,
    ResultFolder,
    has_index,
    old_results,
    read_results,
)
from ms_core.read_ahead import read_ahead, thread_count

ReadDetections = Callable[[Sequence[np.ndarray], int, int], Detections]
"""(outputs of one picture, its width, its height) -> detections in its pixels."""
_BOXES_OUTSIDE = 1e-3
"""Decoded boxes are clipped to 0-1; what lies further outside is not decoded."""


@dataclass(frozen=True)
class Pair:
    """A picture of the data set and what the model said about it."""

    sample: Sample
    result: PictureResult


def open_detection_results(folder: Path) -> ResultFolder:
    """What lies in a folder, with or without an index; three outputs are those of a graph that selects itself.

    Raises:
        UserError: as `read_results` and `old_results`.
    """
    if has_index(folder):
        return read_results(folder)
    selected = next(folder.glob("*_2.bin"), None) is not None
    return old_results(folder, ("float32", "float32", "int32")[: 3 if selected else 2])


def form_of(results: ResultFolder) -> str:
    """decoded or nms, by the number of outputs.

    Raises:
        UserError: another number of outputs.
    """
    counts = {len(result.outputs) for result in results.results}
    if counts not in ({2}, {3}):
        raise UserError(
            f"{results.path}: {' or '.join(map(str, sorted(counts)))} outputs a picture; boxes and scores are 2, with "
            "labels 3. Export the model with --outputs decoded or nms."
        )
    return "nms" if counts == {3} else "decoded"


def pair_results(results: ResultFolder, samples: Sequence[Sample]) -> list[Pair]:
    """Which image each result is of, by name, in the order of the results.

    Raises:
        UserError: no such image, several that it could be, or one of another size.
    """
    names = PicturesByName([(sample.path, sample.id, sample) for sample in samples])
    pairs = []
    for result in results.results:
        try:
            pair = Pair(names.find(result), result)
        except UserError as error:
            raise UserError(f"{results.path / result.outputs[0].file}: {error}") from error
        _require_size(pair)
        pairs.append(pair)
    return pairs


def result_detections(
    results: ResultFolder, pairs: Sequence[Pair], read: ReadDetections, *, workers: int = 2
) -> Iterator[tuple[Sample, Detections]]:
    """Detections of every pair, in order; files are read and post-processed on threads, and nothing is kept.

    Args:
        workers: threads; more than the machine has cores are not started.

    Raises:
        UserError: a file that cannot be read, or whose values do not fit the others or the classes.
    """

    def work(pair: Pair) -> tuple[Sample, Detections]:
        sample, result = pair.sample, pair.result
        outputs = result.read(results.path)
        try:
            return sample, read(outputs, result.width or sample.width, result.height or sample.height)
        except ValueError as error:
            raise UserError(f"{results.path / result.outputs[-1].file}: {error}") from error

    threads = thread_count(workers)
    return read_ahead(pairs, work, workers=threads, ahead=2 * threads)


def rows_of(outputs: Sequence[np.ndarray], num_classes: int) -> list[np.ndarray]:
    """Boxes [N, 4] and scores [N, K], whatever shape they come in; or boxes, scores and labels of a selection.

    Args:
        outputs: boxes and scores; or boxes, scores and labels.
        num_classes: K, background included.

    Raises:
        ValueError: no such rows, or not decoded.
    """
    if len(outputs) == 3:
        boxes, scores, labels = outputs
        slots = _rows(boxes, 4), scores.reshape(-1), labels.reshape(-1)
        if len({len(part) for part in slots}) != 1:
            counts = ", ".join(str(len(part)) for part in slots)
            raise ValueError(f"{counts} boxes, scores and labels do not go together.")
        if slots[2].size and slots[2].max() >= num_classes - 1:
            raise ValueError(
                f"label {slots[2].max()}, but there are {num_classes - 1} classes. Name the network's classes with "
                "--data.classes."
            )
        return list(slots)
    boxes, scores = _rows(outputs[0], 4), _rows(outputs[1], num_classes)
    if len(boxes) != len(scores):
        raise ValueError(
            f"{len(scores)} rows of {num_classes} scores (the classes and the background), but {len(boxes)} boxes. "
            "Name the network's classes with --data.classes."
        )
    return [boxes, scores]


def require_decoded(boxes: np.ndarray, scores: np.ndarray) -> None:
    """
    Raises:
        ValueError: offsets and logits, of a model exported with raw outputs, in place of boxes and scores.
    """
    inside = boxes.min() >= -_BOXES_OUTSIDE and boxes.max() <= 1 + _BOXES_OUTSIDE
    if not (inside and scores.min() >= 0 and scores.max() <= 1):
        raise ValueError(
            "boxes or scores lie outside 0-1, so they are not decoded. Export the model with --outputs decoded."
        )


def _rows(values: np.ndarray, columns: int) -> np.ndarray:
    if values.ndim == 2 and values.shape[1] == columns:
        return values
    if not values.size or values.size % columns or values.ndim != 1:
        raise ValueError(
            f"{values.size} {values.dtype.name} values are no rows of {columns}. Name the network's classes with "
            "--data.classes."
        )
    return values.reshape(-1, columns)


def _require_size(pair: Pair) -> None:
    """The picture that the program saw must be the one that the boxes were drawn on."""
    result, sample = pair.result, pair.sample
    if result.width is None or result.height is None:
        return
    if max(abs(result.width - sample.width), abs(result.height - sample.height)) > SIZE_TOLERANCE:
        raise UserError(
            f"{result.picture}: the program saw {result.width}x{result.height} pixels, but {sample.path} is annotated "
            f"as {sample.width}x{sample.height}. Use the pictures that were annotated."
        )
