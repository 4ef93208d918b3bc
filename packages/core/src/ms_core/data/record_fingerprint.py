"""What a MindRecord cache was made from, and whether that is still what a user asks for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ms_core.data.classes import CLASSES_FILE, load_classes
from ms_core.data.config import DetectionDataConfig
from ms_core.data.open import Split
from ms_core.data.record_table import SampleTable
from ms_core.data.voc import annotation_files
from ms_core.errors import UserError

VERSION = 1
"""Of the layout of a cache folder; another one is rebuilt."""
FINGERPRINT = "fingerprint.json"

_THREADS = 8
"""Threads that look at picture files: on a network drive a look takes a millisecond."""
_PER_TASK = 500
_BLOCK = 1 << 20
_NAMED_FOLDER = "data.images"


@dataclass(frozen=True)
class Asked:
    """All of a user's settings that decide what a split holds."""

    annotations: Path
    images: Path | None
    """Folder that picture paths start from, where it was named."""
    format: str
    classes: tuple[str, ...] | None
    """Names in label order; None leaves them to the annotations."""
    numbering: tuple[str, ...] | None
    """What a TXT list without a classes.txt beside it numbers, where `data.classes` says so."""
    invalid_boxes: str
    unknown_classes: str
    shards: int

    @classmethod
    def of(
        cls, config: DetectionDataConfig, split: Split, classes: Sequence[str] | None = None
    ) -> Asked | None:
        """The settings of one split, None where its annotations are not named.

        Raises:
            UserError: the annotations are not there, or the file of class names is faulty.
        """
        path = getattr(config, split)
        if path is None:
            return None
        if not Path(path).exists():
            raise UserError(f"{path}: no such file or folder; looked at {Path(path).absolute()}.")
        images = config.images if split == "train" else config.val_images or config.images
        named = None if config.classes is None else load_classes(config.classes).names
        return cls(
            annotations=Path(path),
            images=None if images is None else Path(images),
            format=config.format,
            classes=named if classes is None else tuple(classes),
            numbering=named,
            invalid_boxes=config.invalid_boxes,
            unknown_classes=config.unknown_classes,
            shards=config.cache_shards,
        )

    @property
    def start(self) -> str:
        """Absolute folder that picture paths are stored from: a cache and its pictures may move."""
        return str(Path(self.shown_start).absolute())

    @property
    def shown_start(self) -> str:
        """The same folder as the user wrote it."""
        if self.images is not None:
            return str(self.images)
        return str(self.annotations if self.annotations.is_dir() else self.annotations.parent)

    def numbers(self, format: str) -> tuple[str, ...] | None:
        """The names that settings, not files, give to class numbers; None where a file does."""
        beside = self.annotations.parent / CLASSES_FILE
        if format != "txt" or beside.is_file():
            return None
        return self.numbering or self.classes


@dataclass(frozen=True)
class Shard:
    """One MindRecord file."""

    file: str
    images: int
    bytes: int
    index_bytes: int
    """Of the .db file beside it, without which MindSpore does not open the shard."""


@dataclass(frozen=True)
class Fingerprint:
    """fingerprint.json."""

    version: int
    split: str
    annotations: str
    """Absolute path, for messages."""
    annotation_digest: str
    """See `annotation_digest`."""
    format: str
    """Of the annotations: coco, voc or txt."""
    start: str
    """Absolute folder that the pictures' paths in the table start from."""
    images_named: bool
    """Whether data.images named that folder; if not, it is that of the annotations."""
    asked_classes: tuple[str, ...] | None
    numbers: tuple[str, ...] | None
    invalid_boxes: str
    unknown_classes: str
    classes: tuple[str, ...]
    category_ids: tuple[int, ...]
    images: int
    boxes: int
    dropped: int
    clipped: int
    notes: tuple[str, ...]
    shards: tuple[Shard, ...]
    table_digest: str
    """Of samples.npz, which has size and time of every picture file."""
    made: dict[str, str]
    """Versions and time, for people."""

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Fingerprint:
        """Read the file's text.

        Raises:
            ValueError, KeyError or TypeError: damaged, or of another version.
        """
        content: dict[str, Any] = json.loads(text)
        if content["version"] != VERSION:
            raise ValueError(f"it is of version {content['version']}, this program writes {VERSION}")
        lists = {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
        return cls(**{**content, **lists, "shards": tuple(Shard(**shard) for shard in content["shards"])})


def annotation_digest(path: Path, format: str) -> str:
    """Hash of every file that the reader of this format takes annotations and class names from.

    Raises:
        UserError: a file cannot be read, or VOC annotations are missing.
    """
    digest = hashlib.blake2b(digest_size=16)
    for file in _annotation_files(path, format):
        name = b"" if file == path else os.fsencode(file.name)  # VOC takes ids and pictures from the names
        digest.update(name + b"\0")
        digest.update(bytes.fromhex(file_digest(file)))
    return digest.hexdigest()


def _annotation_files(path: Path, format: str) -> Iterator[Path]:
    folder = path.parent
    if format == "voc":
        files, folder = annotation_files(path)
        yield from files
    if not path.is_dir():
        yield path
    if format != "coco" and (folder / CLASSES_FILE).is_file():
        yield folder / CLASSES_FILE


def file_digest(path: Path) -> str:
    """Hash of one file's content.

    Raises:
        UserError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


def difference(made: Fingerprint, table: SampleTable, asked: Asked) -> str | None:
    """Why a cache is not what is asked for, in one phrase; None where it is."""
    return (
        _other_settings(made, asked) or _other_annotations(made, asked) or _other_pictures(made, table, asked)
    )


def other_classes(made: Fingerprint, classes: Sequence[str] | None) -> str | None:
    """Why the classes do not fit; names that happen to be those of the annotations do."""
    if classes is None:
        return None if made.asked_classes is None else "it was made for named classes, now none are"
    if tuple(classes) == made.classes:
        return None
    return f"it was made for the classes {_shown(made.classes)}, now they are {_shown(classes)}"


def _other_settings(made: Fingerprint, asked: Asked) -> str | None:
    shards = min(asked.shards, made.images)
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("data.format", made.format, made.format if asked.format == "auto" else asked.format),
        ("data.invalid_boxes", made.invalid_boxes, asked.invalid_boxes),
        ("data.unknown_classes", made.unknown_classes, asked.unknown_classes),
        ("data.cache_shards", len(made.shards), shards),
    )
    for name, then, now in pairs:
        if then != now:
            return f"{name} was {then}, now it is {now}"
    if made.images_named != (asked.images is not None):
        return f"it was made {'with' if made.images_named else 'without'} {_NAMED_FOLDER}"
    if made.numbers != asked.numbers(made.format):
        return "the class numbers of the list have other names"
    return other_classes(made, asked.classes)


def _other_annotations(made: Fingerprint, asked: Asked) -> str | None:
    try:
        same = annotation_digest(asked.annotations, made.format) == made.annotation_digest
    except UserError:  # no VOC folder any more, for example; the reader will say what it is
        same = False
    return None if same else f"the annotations {asked.annotations} are others than those it was made from"


def _other_pictures(made: Fingerprint, table: SampleTable, asked: Asked) -> str | None:
    """Compare the picture files with the cached ones; files that are not there are not needed."""
    paths = table.paths(asked.start)
    states = picture_states(paths)
    wanted = zip(table.length.tolist(), table.mtime.tolist(), strict=True)
    changed = [
        path
        for path, state, there in zip(paths, states, wanted, strict=True)
        if state is not None and state != there
    ]
    if changed:
        return f"{len(changed)} of {len(paths)} pictures changed, first {changed[0]}"
    if asked.images is not None and asked.images.is_dir() and all(state is None for state in states):
        return f"{asked.images} does not hold its pictures"
    return None


def picture_states(paths: Sequence[str]) -> list[tuple[int, int] | None]:
    """(bytes, time of the last change in nanoseconds) of each file, None where there is none."""
    tasks = [paths[begin : begin + _PER_TASK] for begin in range(0, len(paths), _PER_TASK)]
    with ThreadPoolExecutor(_THREADS) as pool:
        return [state for states in pool.map(_states, tasks) for state in states]


def _states(paths: Sequence[str]) -> list[tuple[int, int] | None]:
    return [_state(path) for path in paths]


def _state(path: str) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _shown(names: Sequence[str], most: int = 4) -> str:
    """The first few names, and how many there are."""
    return ", ".join(names[:most]) + (f", ... ({len(names)})" if len(names) > most else "")
