"""Look through datasets before a long training: entries, pictures, and the splits against each other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from rich.console import Console
from rich.progress import track

from ms_core.data.config import DetectionDataConfig
from ms_core.data.images import SIZE_TOLERANCE, decode_image, possible_sizes, read_bytes
from ms_core.data.open import Split, open_split
from ms_core.data.problems import Problem, ProblemList, Problems, Severity
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.errors import UserError

AHEAD = 256
"""Pictures read ahead of the progress bar: bounds the memory of a check to results, not pictures."""


@dataclass(frozen=True)
class SplitSummary:
    """What one split holds."""

    name: str
    source: Path
    images: int
    empty: int
    """Images without a box."""
    boxes: tuple[int, ...]
    """Boxes of each class, in label order."""


@dataclass(frozen=True)
class CheckReport(ProblemList):
    """What a check found."""

    classes: tuple[str, ...]
    splits: tuple[SplitSummary, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Picture:
    """What looking at one image file gave."""

    digest: bytes | None
    """Hash of the file's bytes; None where it cannot be read."""
    problems: tuple[Problem, ...]


def check_datasets(
    config: DetectionDataConfig,
    *,
    devices: int = 1,
    batch_size: int = 1,
    decode: bool = True,
    progress: bool = False,
) -> CheckReport:
    """Check every split that `config` names; faulty entries are collected, none stops the check.

    Args:
        config: the splits. Without `classes`, the training split's classes hold for the others too.
        devices, batch_size: of the training to come: it needs that many images for one step.
        decode: False leaves out decoding the pictures, which is most of the time; damage is then not found.
        progress: show a bar on stderr.

    Raises:
        UserError: `config` names no split, or a negative number of threads.
    """
    if config.workers < 0:
        raise UserError(
            f"--data.workers {config.workers}: must be at least 0. 0 takes one a core, at most 8."
        )
    found: list[Problem] = []
    datasets = _open_all(config, found)
    digests: dict[str, list[bytes | None]] = {}
    for split, dataset in datasets.items():
        pictures = list(_look_at_pictures(split, dataset, config.workers, decode, progress))
        digests[split] = [picture.digest for picture in pictures]
        found += [problem for picture in pictures for problem in picture.problems]
        found += _repeated_files(dataset)
    found += _duplicates(datasets, digests)
    found += _too_few(datasets, devices, batch_size)
    found += _absent_classes(datasets)
    classes = next((dataset.classes for dataset in datasets.values()), ())
    summaries = tuple(_summary(split, dataset) for split, dataset in datasets.items())
    return CheckReport(classes, summaries, tuple(found))


def _open_all(config: DetectionDataConfig, found: list[Problem]) -> dict[str, DetectionDataset]:
    """The splits that can be read at all, by name; faults go to `found`."""
    splits: list[Split] = [split for split in get_args(Split) if getattr(config, split) is not None]
    if not splits:
        raise UserError(
            "no data to check. Pass --data.train PATH, and --data.val or --data.test to compare with."
        )
    datasets: dict[str, DetectionDataset] = {}
    classes: Sequence[str] | None = None
    for split in splits:
        problems = Problems(
            invalid_boxes=config.invalid_boxes, unknown_classes=config.unknown_classes, collect=True
        )
        try:
            datasets[split] = open_split(config, split, classes, problems)
            classes = datasets[split].classes
        except UserError as error:
            found.append(Problem("file", split, str(error)))
        found += problems.found
    return datasets


def _look_at_pictures(
    split: str, dataset: DetectionDataset, workers: int, decode: bool, progress: bool
) -> Iterator[_Picture]:
    """One `_Picture` a sample, in order."""
    look = partial(_look_at, source=dataset.source, decode=decode)
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        results = _map_ahead(pool, look, dataset.samples)
        total = len(dataset.samples)
        shown = Console(stderr=True)
        yield from track(results, f"{split}: pictures", total, console=shown, disable=not progress)


def _map_ahead(
    pool: ThreadPoolExecutor, look: partial[_Picture], samples: Sequence[Sample]
) -> Iterator[_Picture]:
    """`pool.map`, but with a bounded number of samples under way, so that Ctrl-C ends it soon."""
    for start in range(0, len(samples), AHEAD):
        yield from pool.map(look, samples[start : start + AHEAD])


def _look_at(sample: Sample, source: Path, decode: bool) -> _Picture:
    """Read one image file, decode it, and compare its size with the annotation."""
    try:
        data = read_bytes(sample.path)
        digest = hashlib.blake2b(data.data, digest_size=16).digest()
        if decode:
            decode_image(data, sample.path)
        sizes = possible_sizes(sample.path)
    except UserError as error:
        return _Picture(None, (Problem("file", f"{source}: image {sample.id}", str(error).rstrip(".")),))
    return _Picture(digest, _size_problems(sample, source, sizes))


def _size_problems(sample: Sample, source: Path, sizes: set[tuple[int, int]]) -> tuple[Problem, ...]:
    """A declared size that the picture does not have: an error where it moves the boxes."""
    declared = (sample.width, sample.height)
    if declared in sizes:
        return ()
    off = min(max(abs(width - declared[0]), abs(height - declared[1])) for width, height in sizes)
    real = " or ".join(f"{width}x{height}" for width, height in sorted(sizes))
    what = f"{sample.path.name} is {real}, but annotated as {declared[0]}x{declared[1]}"
    severity: Severity = "error" if off > SIZE_TOLERANCE else "warning"
    return (Problem("size", f"{source}: image {sample.id}", what, severity),)


def _repeated_files(dataset: DetectionDataset) -> Iterator[Problem]:
    """One image file that two entries of a split name: its boxes are then only half of them in each."""
    first: dict[Path, int] = {}
    for sample in dataset.samples:
        earlier = first.setdefault(sample.path, sample.id)
        if earlier != sample.id:
            what = f"the same file as image {earlier} ({sample.path.name}). Join the two entries"
            yield Problem("duplicate", f"{dataset.source}: image {sample.id}", what)


def _duplicates(
    datasets: Mapping[str, DetectionDataset], digests: Mapping[str, Sequence[bytes | None]]
) -> Iterator[Problem]:
    """Pictures with the same bytes: across splits the scores are wrong, within one it is a waste."""
    first: dict[bytes, tuple[str, Sample]] = {}
    for split, dataset in datasets.items():
        for sample, digest in zip(dataset.samples, digests[split], strict=True):
            if digest is None:
                continue
            other_split, other = first.setdefault(digest, (split, sample))
            where = f"{dataset.source}: image {sample.id}"
            if other_split != split:
                what = f"{sample.path.name} is also in {other_split} ({other.path.name}): scores mean little"
                yield Problem("duplicate", where, what)
            elif other.path != sample.path:
                what = f"{sample.path.name} has the same content as {other.path.name}"
                yield Problem("duplicate", where, what, "warning")


def _too_few(datasets: Mapping[str, DetectionDataset], devices: int, batch_size: int) -> Iterator[Problem]:
    """A training set that does not fill one step."""
    train = datasets.get("train")
    if train is None:
        return
    usable = sum(bool((~sample.crowd).any()) for sample in train.samples)
    if usable == 0:
        yield Problem("count", str(train.source), "no image has a box, so there is nothing to train on")
    elif usable < devices * batch_size:
        what = (
            f"{usable} images with boxes are fewer than {devices} devices x batch {batch_size} = "
            f"{devices * batch_size}, so training has no full step. Lower --train.batch-size"
        )
        yield Problem("count", str(train.source), what)


def _absent_classes(datasets: Mapping[str, DetectionDataset]) -> Iterator[Problem]:
    """Classes that a training would never see."""
    train = datasets.get("train")
    if train is None:
        return
    counts = _class_counts(train.samples, len(train.classes))
    absent = [name for name, count in zip(train.classes, counts, strict=True) if count == 0]
    if absent:
        what = f"no box of {len(absent)} of {len(counts)} classes in train: {', '.join(absent)}"
        yield Problem("count", str(train.source), what, "warning")


def _class_counts(samples: Iterable[Sample], classes: int) -> tuple[int, ...]:
    """Boxes of each class, in label order."""
    labels = [sample.labels for sample in samples]
    together = np.concatenate([np.zeros(0, np.int32), *labels])
    return tuple(np.bincount(together, minlength=classes).tolist())


def _summary(split: str, dataset: DetectionDataset) -> SplitSummary:
    return SplitSummary(
        name=split,
        source=dataset.source,
        images=len(dataset.samples),
        empty=sum(len(sample.labels) == 0 for sample in dataset.samples),
        boxes=_class_counts(dataset.samples, len(dataset.classes)),
    )
