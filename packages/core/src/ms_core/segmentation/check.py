"""Look through pictures and masks before a long training: values, sizes, damage, and the splits against each other."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from rich.console import Console
from rich.progress import track

from ms_core.data.images import decode_image, possible_sizes, read_bytes
from ms_core.data.problems import Problem, ProblemList, Problems
from ms_core.errors import UserError
from ms_core.read_ahead import read_ahead
from ms_core.segmentation.coding import UNKNOWN
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.masks import decode_mask, mask_size
from ms_core.segmentation.open import Split, has_split, open_split
from ms_core.segmentation.pixels import ClassPixels, add_counts, count_values
from ms_core.segmentation.sample import SMALLEST_SIDE, SegmentationDataset, SegmentationSample, require_size

_SHOWN = 5
"""Values that a line about a whole split names."""


@dataclass(frozen=True, eq=False)
class SegmentationSplit:
    """What one split holds."""

    name: str
    source: Path
    images: int
    counts: ClassPixels | None
    """Pixels of each class in the masks that could be read; None after a quick check."""
    sizes: tuple[tuple[int, int], tuple[int, int]] | None
    """(width, height) of the smallest and the largest picture, by area, pixels; None where none could be read."""


@dataclass(frozen=True)
class SegmentationReport(ProblemList):
    """What a check found."""

    classes: tuple[str, ...]
    splits: tuple[SegmentationSplit, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, eq=False)
class _Look:
    """What looking at one picture and its mask gave."""

    digest: bytes | None
    """Hash of the picture's bytes; None where it cannot be read."""
    size: tuple[int, int] | None
    """(width, height) of the picture."""
    counts: np.ndarray | None
    """int64 [256], pixels of each label."""
    foreign: tuple[str, ...]
    """Values or colours of the mask that are no class."""
    problems: tuple[Problem, ...]


def check_segmentation(
    config: SegmentationDataConfig,
    *,
    devices: int = 1,
    batch_size: int = 1,
    decode: bool = True,
    progress: bool = False,
) -> SegmentationReport:
    """Check every split that `config` names or its root holds; faulty files are collected, none stops the check.

    Args:
        devices, batch_size: of the training to come: it needs that many pictures for one step.
        decode: False looks at the headers of files only: wrong values, damage and counts are then not found.
        progress: show a bar on stderr.

    Raises:
        UserError: there is no split to check, or a negative number of threads.
    """
    if config.workers < 0:
        raise UserError(
            f"--data.workers {config.workers}: must be at least 0. 0 takes one a core, at most 8."
        )
    found: list[Problem] = []
    datasets = _open_all(config, found)
    looks: dict[str, list[_Look]] = {}
    for split, dataset in datasets.items():
        looks[split] = list(_look_at_all(split, dataset, config.workers, decode, progress))
        found += [problem for look in looks[split] for problem in look.problems]
        found += [*_repeated(dataset), *_foreign_values(dataset, looks[split])]
    found += _duplicates(datasets, looks)
    found += _too_few(datasets, devices, batch_size)
    splits = [_summary(split, dataset, looks[split], decode) for split, dataset in datasets.items()]
    classes = next((dataset.classes for dataset in datasets.values()), ())
    found += _absent_classes(classes, splits)
    return SegmentationReport(classes, tuple(splits), tuple(found))


def _open_all(config: SegmentationDataConfig, found: list[Problem]) -> dict[Split, SegmentationDataset]:
    """The splits that can be read at all, by name; faults go to `found`."""
    splits: list[Split] = [split for split in get_args(Split) if has_split(config, split)]
    if not splits:
        where = "" if config.root is None else f"{config.root}: "
        raise UserError(
            f"{where}no data to check. Pass --data.root FOLDER (with images/train and masks/train, or in the "
            "Cityscapes layout), or --data.train FOLDER and --data.train-masks FOLDER."
        )
    datasets: dict[Split, SegmentationDataset] = {}
    classes: Sequence[str] | None = None
    for split in splits:
        problems = Problems(collect=True)
        try:
            datasets[split] = open_split(config, split, classes, problems)
            classes = datasets[split].classes
            found += [Problem("mask", split, note, "warning") for note in datasets[split].notes]
        except UserError as error:
            found.append(Problem("file", split, str(error).rstrip(".")))
        found += problems.found
    return datasets


def _look_at_all(
    split: str, dataset: SegmentationDataset, workers: int, decode: bool, progress: bool
) -> Iterator[_Look]:
    """One `_Look` a sample, in order."""
    count = workers or min(8, os.cpu_count() or 1)
    results = read_ahead(
        dataset.samples, partial(_look_at, dataset=dataset, decode=decode), workers=count, ahead=64
    )
    shown = Console(stderr=True)
    yield from track(
        results, f"{split}: pictures and masks", len(dataset), console=shown, disable=not progress
    )


def _look_at(sample: SegmentationSample, dataset: SegmentationDataset, decode: bool) -> _Look:
    """Read one picture and its mask."""
    problems: list[Problem] = []
    digest, sizes = None, None
    counts: np.ndarray | None = None
    foreign: tuple[str, ...] = ()
    try:
        data = read_bytes(sample.image)
        digest = hashlib.blake2b(data.data, digest_size=16).digest()
        if decode:
            decode_image(data, sample.image)
        sizes = possible_sizes(sample.image)
        problems += _size_problems(sample, min(sizes))
    except UserError as error:
        problems.append(_problem("file", error))
    try:
        if sample.mask is not None and decode:
            mask = decode_mask(read_bytes(sample.mask), sample.mask, dataset.mask_kind)
            counts, foreign = _look_at_values(sample.mask, mask, dataset, problems)
        if sample.mask is not None and sizes is not None:
            require_size(sample, mask_size(sample.mask), sizes)
    except UserError as error:
        problems.append(_problem("mask", error))
    return _Look(digest, min(sizes) if sizes else None, counts, foreign, tuple(problems))


def _look_at_values(
    path: Path, mask: np.ndarray, dataset: SegmentationDataset, problems: list[Problem]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Pixels of each label, int64 [256], and what is no class; faults go to `problems`."""
    coding = dataset.mask_coding
    labels = coding.look_up(mask)
    counts = count_values(labels)
    if counts[UNKNOWN]:
        foreign = coding.foreign(mask, labels)
        problems.append(Problem("mask", str(path), coding.fault(foreign)))
        return counts, tuple(foreign)
    if not counts[: len(dataset.classes)].any():
        problems.append(Problem("mask", str(path), "no pixel of any class: it teaches nothing", "warning"))
    return counts, ()


def _size_problems(sample: SegmentationSample, size: tuple[int, int]) -> Iterator[Problem]:
    if min(size) < SMALLEST_SIDE:
        what = (
            f"{size[0]}x{size[1]} pixels; networks need sides of at least {SMALLEST_SIDE}. Remove it, or enlarge it "
            "and its mask"
        )
        yield Problem("size", str(sample.image), what)


def _problem(kind: Literal["file", "mask"], error: UserError) -> Problem:
    """A fault from an error's own words, which name the file first."""
    where, _, what = str(error).rstrip(".").partition(": ")
    return Problem(kind, where, what)


def _repeated(dataset: SegmentationDataset) -> Iterator[Problem]:
    """One picture that two lines of a list name."""
    seen: set[Path] = set()
    for sample in dataset.samples:
        if sample.image in seen:
            yield Problem(
                "duplicate", str(dataset.source), f"names {sample.image.name} more than once", "warning"
            )
        seen.add(sample.image)


def _foreign_values(dataset: SegmentationDataset, looks: Sequence[_Look]) -> Iterator[Problem]:
    """What to do about values that are no class, once for the whole split."""
    values = Counter(value for look in looks for value in look.foreign)
    if values:
        masks = sum(bool(look.foreign) for look in looks)
        shown = ", ".join(f"{value} in {count}" for value, count in values.most_common(_SHOWN))
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        what = f"{masks} of {len(looks)} masks hold what is no class: {shown}{more}. {dataset.mask_coding.remedy}"
        yield Problem("mask", str(dataset.source), what.rstrip("."), "warning")


def _duplicates(
    datasets: Mapping[Split, SegmentationDataset], looks: Mapping[str, Sequence[_Look]]
) -> Iterator[Problem]:
    """Pictures with the same bytes: across splits the scores are wrong, within one it is a waste."""
    first: dict[bytes, tuple[str, SegmentationSample]] = {}
    for split, dataset in datasets.items():
        for sample, look in zip(dataset.samples, looks[split], strict=True):
            if look.digest is None:
                continue
            other_split, other = first.setdefault(look.digest, (split, sample))
            if other_split != split:
                what = f"is also in {other_split} ({other.image}): scores mean little"
                yield Problem("duplicate", str(sample.image), what)
            elif other.image != sample.image:
                yield Problem(
                    "duplicate", str(sample.image), f"has the same content as {other.image}", "warning"
                )


def _too_few(
    datasets: Mapping[Split, SegmentationDataset], devices: int, batch_size: int
) -> Iterator[Problem]:
    """A training set that does not fill one step."""
    train = datasets.get("train")
    if train is not None and len(train) < devices * batch_size:
        what = (
            f"{len(train)} pictures are fewer than {devices} devices x batch {batch_size} = {devices * batch_size}, so "
            "training has no full step. Lower --train.batch-size"
        )
        yield Problem("count", str(train.source), what)


def _absent_classes(classes: Sequence[str], splits: Sequence[SegmentationSplit]) -> Iterator[Problem]:
    """Classes that a training would never see; without training data, those that no split has."""
    counted = [split for split in splits if split.counts is not None]
    chosen = [split for split in counted if split.name == "train"] or counted
    if not chosen:
        return
    pixels = np.sum([split.counts.pixels for split in chosen if split.counts is not None], axis=0)
    absent = [name for name, count in zip(classes, pixels.tolist(), strict=True) if count == 0]
    if absent:
        where = " and ".join(split.name for split in chosen)
        what = f"no pixel of {len(absent)} of {len(classes)} classes in {where}: {', '.join(absent)}"
        yield Problem("count", str(chosen[0].source), what, "warning")


def _summary(
    split: str, dataset: SegmentationDataset, looks: Sequence[_Look], decode: bool
) -> SegmentationSplit:
    counts = [look.counts for look in looks if look.counts is not None]
    sizes = sorted((look.size for look in looks if look.size is not None), key=lambda size: size[0] * size[1])
    return SegmentationSplit(
        name=split,
        source=dataset.source,
        images=len(dataset),
        counts=add_counts(counts, len(dataset.classes)) if decode else None,
        sizes=(sizes[0], sizes[-1]) if sizes else None,
    )
