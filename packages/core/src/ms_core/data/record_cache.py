"""A MindRecord cache: pictures and annotations of a data set in a few large files, next to what they were made from.

FOLDER/train, FOLDER/val and FOLDER/test are caches of their own, each with:

ssd.mindrecord0 ...   the pictures with the old zoo's columns (in val and test: ssd_eval.mindrecord0 ...), and .db files
samples.npz           every annotation exactly, and where each picture lies
fingerprint.json      what all of it was made from, and the sizes of the files; written last

Where a split is made of several annotation sources, each has such folders of its own in FOLDER/part1, FOLDER/part2, ...

A cache is used only when it is complete and was made from the same annotations, pictures and settings; if not, it is
built anew from the original data, and one line says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import get_args

from ms_core.data.classes import load_classes
from ms_core.data.config import DetectionDataConfig
from ms_core.data.file_lock import exclusive
from ms_core.data.join import join_datasets
from ms_core.data.open import Split, open_split, split_parts
from ms_core.data.record_build import build, recover
from ms_core.data.record_fingerprint import (
    FINGERPRINT,
    Asked,
    Fingerprint,
    difference,
    file_digest,
    other_classes,
)
from ms_core.data.record_read import RecordReader
from ms_core.data.record_table import TABLE, SampleTable
from ms_core.data.sample import DetectionDataset
from ms_core.errors import UserError
from ms_core.run_folder import console


class Unusable(Exception):
    """Why a cache cannot be used, in one phrase."""


@dataclass(frozen=True, eq=False)
class RecordCache:
    """One split's cache, open and complete."""

    folder: Path
    made: Fingerprint
    table: SampleTable
    reader: RecordReader

    def dataset(self, asked: Asked | None) -> DetectionDataset:
        """What reading the original annotations gives, with the pictures from the cache.

        Args:
            asked: settings that the cache fits; None where the annotations are not named.
        """
        made = self.made
        return DetectionDataset(
            classes=made.classes,
            category_ids=made.category_ids,
            samples=self.table.samples(made.start if asked is None else asked.shown_start),
            source=self.folder if asked is None else asked.annotations,
            format=made.format,  # type: ignore[arg-type]
            dropped=made.dropped,
            clipped=made.clipped,
            notes=made.notes,
            encoded=self.reader,
        )


def open_cached_split(
    config: DetectionDataConfig, split: Split, classes: Sequence[str] | None = None
) -> DetectionDataset:
    """`open_split`, by way of the cache that `config.cache` names; without one, just that.

    Where the configuration names the split's annotations, the cache is compared with them and built anew where it
    differs; of several processes one builds and the others wait. Where it does not, the cache stands for them.

    Args:
        classes: names in label order, as for `open_split`.

    Raises:
        UserError: as `open_split`; neither annotations nor a usable cache; a cache that cannot be written.
    """
    if config.cache is None:
        return open_split(config, split, classes)
    parts = split_parts(config, split)
    if len(parts) > 1:
        joined = [open_cached_split(part, split, classes) for part in parts]
        return join_datasets(joined, getattr(config, split))
    folder = split_folder(config.cache, split)
    asked = Asked.of(config, split, classes)
    if asked is None:
        return _open_alone(folder, split, classes or _named_classes(config)).dataset(None)
    try:
        return open_cache(folder, asked).dataset(asked)
    except Unusable:
        return _build_or_wait(config, split, classes, folder, asked)


def has_split(config: DetectionDataConfig, split: Split) -> bool:
    """Whether there is data for a split: annotations that are named, or a cache that holds it.

    A cache speaks for itself only where no annotations are named at all: beside those of one data set it may hold
    another split of another.
    """
    if config.cache is None or any(getattr(config, name) is not None for name in get_args(Split)):
        return getattr(config, split) is not None
    return (split_folder(config.cache, split) / FINGERPRINT).is_file()


def split_folder(cache: str, split: Split) -> Path:
    """Where the cache of a split lies."""
    return Path(cache) / split


def open_cache(folder: Path, asked: Asked | None = None) -> RecordCache:
    """Open the cache of one split with all its shards.

    Args:
        asked: settings that it must have been made by.

    Raises:
        Unusable: not there, not complete, damaged, or made from something else.
    """
    made = _fingerprint(folder)
    table = _table(folder, made)
    if asked is not None and (why := difference(made, table, asked)) is not None:
        raise Unusable(why)
    return RecordCache(folder, made, table, _reader(folder, made, table))


def _build_or_wait(
    config: DetectionDataConfig, split: Split, classes: Sequence[str] | None, folder: Path, asked: Asked
) -> DetectionDataset:
    """Build the cache, unless another process just does."""
    _make_root(folder.parent)
    with exclusive(folder.parent / f".{split}.lock", partial(_say_waiting, folder)):
        recover(folder)
        try:
            return open_cache(folder, asked).dataset(asked)  # the other one has built it
        except Unusable as error:
            note = f"{folder}: building the cache: {error}"
        _say(note)
        build(split, folder, asked, lambda: open_split(config, split, classes))
        cache = open_cache(folder)
    _say(f"{folder}: {cache.made.images} pictures in {len(cache.made.shards)} shards")
    dataset = cache.dataset(asked)
    return replace(dataset, notes=(*dataset.notes, note))


def _say_waiting(folder: Path, holder: str) -> None:
    _say(f"{folder}: {holder} is building it; waiting")


def _open_alone(folder: Path, split: Split, classes: Sequence[str] | None) -> RecordCache:
    """Open a cache that nothing is compared with but the classes."""
    remedy = f"Pass --data.{split} PATH (COCO JSON, VOC folder or TXT list), from which it is built."
    try:
        cache = open_cache(folder)
    except Unusable as error:
        raise UserError(f"{folder}: no {split} data: {error}. {remedy}") from error
    why = None if classes is None else other_classes(cache.made, classes)
    if why is not None:
        raise UserError(f"{folder}: {why}. {remedy}")
    return cache


def _named_classes(config: DetectionDataConfig) -> tuple[str, ...] | None:
    return None if config.classes is None else load_classes(config.classes).names


def _make_root(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{root}: the folder of the cache cannot be made ({error.strerror}). Give another --data.cache."
        ) from error


def _fingerprint(folder: Path) -> Fingerprint:
    path = folder / FINGERPRINT
    if not path.is_file():
        raise Unusable(_why_absent(folder))
    try:
        return Fingerprint.from_json(path.read_text(encoding="utf-8"))
    except KeyError as error:
        raise Unusable(f"{path.name} lacks {error}") from error
    except (OSError, ValueError, TypeError) as error:
        raise Unusable(f"{path.name} cannot be used ({error})") from error


def _why_absent(folder: Path) -> str:
    """Say so where files of the old zoo lie, which reused them whatever had changed."""
    for place in (folder, folder.parent):
        old = sorted(place.glob("ssd*.mindrecord*"))
        if old:
            return f"{old[0]} has no fingerprint of what it was made from, so it is not used"
    return "there is none yet"


def _table(folder: Path, made: Fingerprint) -> SampleTable:
    path = folder / TABLE
    try:
        if file_digest(path) != made.table_digest:
            raise Unusable(f"{TABLE} is not the one it was made with")
        return SampleTable.load(path)
    except UserError as error:
        raise Unusable(f"{TABLE} is missing") from error
    except (OSError, ValueError, KeyError) as error:
        raise Unusable(f"{TABLE} is damaged ({error})") from error


def _reader(folder: Path, made: Fingerprint, table: SampleTable) -> RecordReader:
    """All shards, complete: reading fewer of them gives fewer pictures without an error."""
    for shard in made.shards:
        for name, size in ((shard.file, shard.bytes), (f"{shard.file}.db", shard.index_bytes)):
            try:
                there = (folder / name).stat().st_size
            except OSError as error:
                raise Unusable(f"{name} is missing") from error
            if there != size:
                raise Unusable(f"{name} has {there} bytes instead of {size}")
    held = sum(shard.images for shard in made.shards)
    if not held == made.images == len(table):
        raise Unusable(f"its {len(made.shards)} shards hold {held} of {made.images} pictures")
    try:
        reader = RecordReader([folder / shard.file for shard in made.shards], table)
    except OSError as error:
        raise Unusable(f"{error.filename} cannot be opened ({error.strerror})") from error
    if reader.sizes() != [shard.bytes for shard in made.shards]:
        raise Unusable("another process has just replaced it")
    return reader


def _say(message: str) -> None:
    console().print(message, markup=False, highlight=False, soft_wrap=True)
