"""Building a MindRecord cache: in a hidden folder beside the final one, several shards at a time, renamed when done.

Who is killed in between leaves a folder that nobody opens and the next build removes; the former cache stays where it
is until the new one is complete.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from ms_core.atomic import atomic_write, give_usual_permissions
from ms_core.data.open import Split, recognise_format
from ms_core.data.record_fingerprint import (
    FINGERPRINT,
    VERSION,
    Asked,
    Fingerprint,
    Shard,
    annotation_digest,
    file_digest,
    picture_states,
)
from ms_core.data.record_processes import write_shards
from ms_core.data.record_progress import BuildProgress
from ms_core.data.record_table import TABLE, SampleTable
from ms_core.data.record_writer import Picture, ShardJob
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.errors import UserError

PREFIXES: dict[Split, str] = {
    "train": "ssd.mindrecord",
    "val": "ssd_eval.mindrecord",
    "test": "ssd_eval.mindrecord",
}
"""Names of the shards, before their numbers: the old zoo's."""
_OWN_FILES = re.compile(r"ssd(_eval)?\.mindrecord\d+(\.db)?|samples\.npz|fingerprint\.json")
_INT32 = np.iinfo(np.int32)


def build(split: Split, folder: Path, asked: Asked, read: Callable[[], DetectionDataset]) -> None:
    """Make the cache of one split at `folder`; to be called by one process at a time.

    Args:
        split: which.
        folder: its own folder, replaced where it holds a former cache.
        asked: the settings it is made by.
        read: reads the annotations.

    Raises:
        UserError: faulty annotations or pictures, a disk that is full or refuses, other files in `folder`.
    """
    require_cache_folder(folder)
    recover(folder)
    kind = recognise_format(asked.annotations) if asked.format == "auto" else asked.format
    digest = annotation_digest(asked.annotations, kind)  # before reading: what changes between makes it stale
    dataset = read()
    states = picture_states([str(sample.path) for sample in dataset.samples])
    size = sum(state[0] for state in states if state)  # of a missing picture its writer will speak
    _require_space(folder, size)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
        try:
            jobs = _jobs(dataset.samples, PREFIXES[split], asked.shards)
            with BuildProgress(f"caching {split}", len(dataset)) as progress:
                records = write_shards(jobs, temporary, size, progress.add)
            SampleTable.of(dataset.samples, records, asked.start).save(temporary / TABLE)
            made = _fingerprint(split, asked, dataset, digest, jobs, temporary)
            _flush(temporary / TABLE)
            with atomic_write(temporary / FINGERPRINT) as file:
                file.write(made.to_json())
            _publish(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise _refused(folder, error.strerror or str(error)) from error


def require_cache_folder(folder: Path) -> None:
    """Refuse a folder that is anything but a cache: a build replaces it.

    Raises:
        UserError: it holds other files; or it is one itself.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"{folder}: is no folder of its own. Give another --data.cache.")
    names = [file.name for file in folder.iterdir()] if folder.exists() else []
    other = sorted(name for name in names if not _OWN_FILES.fullmatch(name))
    if other:
        raise UserError(
            f"{folder}: holds other files than a cache ({other[0]}), which a build would remove. Give another "
            "--data.cache."
        )


def recover(folder: Path) -> None:
    """Clear up after builds that were killed; a former cache that was just being replaced comes back."""
    for former in sorted(folder.parent.glob(f".{folder.name}.*.old")):
        if folder.exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            former.rename(folder)
    for unfinished in folder.parent.glob(f".{folder.name}.*.tmp"):
        shutil.rmtree(unfinished, ignore_errors=True)


def _require_space(folder: Path, size: int) -> None:
    """Stop now rather than after an hour; `size` is that of the pictures, bytes."""
    needed = int(size * 1.02) + (64 << 20)
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        former = " The former cache, which stays until then, may be deleted." if folder.exists() else ""
        raise UserError(
            f"{folder}: the cache needs {needed / 1e9:.2f} GB, {free / 1e9:.2f} GB are free. Make room, or give "
            f"another --data.cache.{former}"
        )


def _jobs(samples: Sequence[Sample], prefix: str, shards: int) -> list[ShardJob]:
    """One job a shard, each with its part of the samples in their order."""
    count = min(shards, len(samples))  # MindRecord has no empty shards
    as_they_are = all(_INT32.min <= sample.id <= _INT32.max for sample in samples)
    pictures = [
        Picture(sample.path.absolute(), sample.id if as_they_are else row, old_annotation(sample))
        for row, sample in enumerate(samples)
    ]
    bounds = np.linspace(0, len(pictures), count + 1).astype(int).tolist()
    return [
        ShardJob(number, f"{prefix}{number}", pictures[bounds[number] : bounds[number + 1]])
        for number in range(count)
    ]


def old_annotation(sample: Sample) -> np.ndarray:
    """int32 [n, 5] as the old zoo wrote it: ymin, xmin, ymax, xmax in whole pixels, class from 1.

    An image without boxes gets one row of zeros (class 0 is the background): of an empty array MindDataset makes a
    number from uninitialised memory.
    """
    if not len(sample.labels):
        return np.zeros((1, 5), np.int32)
    corners = np.round(sample.boxes[:, [1, 0, 3, 2]]).astype(np.int32)
    return np.concatenate((corners, sample.labels[:, None] + 1), axis=1).astype(np.int32)


def _fingerprint(
    split: Split, asked: Asked, dataset: DetectionDataset, digest: str, jobs: Sequence[ShardJob], folder: Path
) -> Fingerprint:
    """What the files in `folder` were made from."""
    shards = tuple(
        Shard(
            job.file,
            len(job.pictures),
            (folder / job.file).stat().st_size,
            (folder / f"{job.file}.db").stat().st_size,
        )
        for job in jobs
    )
    return Fingerprint(
        version=VERSION,
        split=split,
        annotations=str(asked.annotations.absolute()),
        annotation_digest=digest,
        format=dataset.format,
        start=asked.start,
        images_named=asked.images is not None,
        asked_classes=asked.classes,
        numbers=asked.numbers(dataset.format),
        invalid_boxes=asked.invalid_boxes,
        unknown_classes=asked.unknown_classes,
        classes=dataset.classes,
        category_ids=dataset.category_ids,
        images=len(dataset),
        boxes=dataset.box_count,
        dropped=dataset.dropped,
        clipped=dataset.clipped,
        notes=dataset.notes,
        shards=shards,
        table_digest=file_digest(folder / TABLE),
        made=_made(),
    )


def _made() -> dict[str, str]:
    """Versions and time, for people who wonder."""
    versions = {}
    for name in ("ms-core", "mindspore"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {"time": datetime.now(timezone.utc).isoformat(timespec="seconds"), **versions}


def _publish(temporary: Path, folder: Path) -> None:
    """Put the finished folder in its place; killed at any point, `recover` finds one of the two."""
    give_usual_permissions(temporary)
    former = temporary.with_suffix(".old")
    if folder.exists():
        require_cache_folder(folder)
        folder.rename(former)
    try:
        temporary.rename(folder)
    except OSError:
        if former.exists():
            former.rename(folder)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _flush(path: Path) -> None:
    """Onto the disk, before the fingerprint says that it is there."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _refused(folder: Path, why: str) -> UserError:
    former = " The former cache is as it was." if folder.exists() else ""
    return UserError(
        f"{folder}: the cache cannot be written: {why}. Make room there, or give another --data.cache.{former}"
    )
