"""Several annotation sources that count as one split: PASCAL VOC trains on 2007 and 2012 together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ms_core.data.sample import DetectionDataset, EncodedReader, Sample, read_file
from ms_core.errors import UserError


def annotation_parts(annotations: str | None) -> list[str]:
    """The sources that a `data` argument names, separated by commas; one where something of the whole name exists.

    Raises:
        UserError: nothing between two commas.
    """
    if annotations is None:
        return []
    if "," not in annotations or Path(annotations).exists():
        return [annotations]
    parts = [part.strip() for part in annotations.split(",")]
    if not all(parts):
        raise UserError(f"{annotations}: nothing before or after a comma. Give PATH,PATH without blanks.")
    return parts


def join_datasets(datasets: Sequence[DetectionDataset], annotations: str) -> DetectionDataset:
    """One data set with the samples of all, in their order.

    Image ids stay as they are where no two are the same, and else are numbered from 1.

    Args:
        datasets: at least one, with the same classes in the same order.
        annotations: what the user wrote.

    Raises:
        UserError: the classes differ.
    """
    first = datasets[0]
    for other in datasets[1:]:
        if other.classes != first.classes:
            differing = sorted(set(first.classes) ^ set(other.classes)) or ["their order"]
            raise UserError(
                f"{annotations}: the classes of {first.source} and {other.source} differ "
                f"({', '.join(differing[:4])}). Name them: --data.classes FILE."
            )
    pairs = [(sample, dataset.encoded) for dataset in datasets for sample in dataset.samples]
    samples, encoded = with_own_ids(pairs)
    return replace(
        first,
        samples=samples,
        encoded=encoded,
        source=Path(annotations),
        dropped=sum(dataset.dropped for dataset in datasets),
        clipped=sum(dataset.clipped for dataset in datasets),
        notes=tuple(dict.fromkeys(note for dataset in datasets for note in dataset.notes)),
    )


def with_own_ids(
    pairs: Iterable[tuple[Sample, EncodedReader]],
) -> tuple[tuple[Sample, ...], EncodedReader]:
    """Samples of unlike origin in one list, each with an id of its own, and one reader for all their pictures.

    Args:
        pairs: samples, each with the reader of its picture; their ids stay where no two are the same.
    """
    originals = list(pairs)
    ids = [sample.id for sample, _ in originals]
    if len(set(ids)) < len(ids):
        ids = list(range(1, len(ids) + 1))
    samples = tuple(
        sample if sample.id == id_ else replace(sample, id=id_)
        for id_, (sample, _) in zip(ids, originals, strict=True)
    )
    if all(reader is read_file for _, reader in originals):
        return samples, read_file
    return samples, _ManyReaders(dict(zip(ids, originals, strict=True)))


class _ManyReaders:
    """An `EncodedReader` that asks the reader of a picture's own source, under the id that it has there."""

    def __init__(self, originals: dict[int, tuple[Sample, EncodedReader]]) -> None:
        self._originals = originals

    def __call__(self, sample: Sample) -> np.ndarray:
        original, reader = self._originals[sample.id]
        return reader(original)
