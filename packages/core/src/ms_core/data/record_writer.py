"""Writes shards of a MindRecord cache; a program of its own that `record_build` starts.

A separate process because MindSpore's FileWriter, where the disk refuses, may end the process it is in (a segmentation
fault was seen), notices a full disk late, and needs no more of the caller than the list of pictures.

The job comes pickled through standard input, messages go pickled through standard output.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ms_core.atomic import give_usual_permissions
from ms_core.data.images import read_bytes
from ms_core.data.record_table import Records
from ms_core.errors import UserError

SCHEMA = {
    "img_id": {"type": "int32", "shape": [1]},
    "image": {"type": "bytes"},
    "annotation": {"type": "int32", "shape": [-1, 5]},
}
"""The old zoo's columns: its programs, and any MindDataset, read these shards."""
CHUNK_IMAGES = 32
CHUNK_BYTES = 1 << 25
"""Pictures, and bytes of them, that are handed to MindSpore at once."""

_HEADER_BYTES = 1 << 20
"""Room for the description of some 5,000 pages; the default, 16 MiB, would be most of a small shard."""
_PAGES = 1000
_SMALLEST_PAGE, _LARGEST_PAGE = 1 << 16, 1 << 28
"""MindRecord allows 2^15 to 2^28 bytes."""
_HEAD_BYTES = 64
"""First bytes of a picture, by which it is looked for in its record."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One row to write."""

    path: Path
    """Absolute."""
    img_id: int
    """Within int32."""
    annotation: np.ndarray
    """int32 [n, 5]: ymin, xmin, ymax, xmax in whole pixels, class from 1; n >= 1."""


@dataclass(frozen=True, eq=False)
class ShardJob:
    """One shard to write, into the current folder."""

    number: int
    file: str
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class _Written:
    """What is known of a picture that was handed to MindSpore."""

    length: int
    checksum: int
    mtime: int
    head: bytes


def main() -> int:
    """Take jobs from standard input, write them, report; 0 where all is well."""
    jobs: list[ShardJob] = pickle.load(sys.stdin.buffer)  # from the process that started this one
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not mix with the messages
    parent = os.getppid()
    if sys.platform != "win32":
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which decides

    def send(kind: str, value: Any) -> None:
        if os.getppid() != parent:
            os._exit(1)  # the parent was killed; its successor clears up
        pickle.dump((kind, value), out)
        out.flush()

    try:
        for job in jobs:
            send("shard", (job.number, write_shard(job, lambda count: send("written", count))))
    except UserError as error:
        send("error", str(error))
        return 2
    except (OSError, RuntimeError, sqlite3.Error) as error:
        send("refused", _words(error))
        return 2
    return 0


def write_shard(job: ShardJob, report: Callable[[int], None]) -> Records:
    """Write one MindRecord file and its index, read it back, and say where each picture lies.

    Args:
        report: called with the number of pictures written since the last call.

    Raises:
        UserError: a picture cannot be read, or is larger than a page of a MindRecord file.
        OSError or RuntimeError: the disk refuses.
    """
    page_size = _page_size(job)
    from mindspore.mindrecord import FileWriter  # seconds later: missing pictures are known by now

    writer = FileWriter(job.file, 1)
    writer.set_header_size(_HEADER_BYTES)
    writer.set_page_size(page_size)
    writer.add_schema(SCHEMA, "pictures with boxes: ymin, xmin, ymax, xmax, class from 1")
    written: list[_Written] = []
    for chunk in _chunks(job.pictures, written):
        writer.write_raw_data(chunk)
        report(len(chunk))
    writer.commit()
    return _read_back(job, written)


def _chunks(pictures: Sequence[Picture], written: list[_Written]) -> Iterator[list[dict[str, Any]]]:
    """Rows, a few at a time; what is known of each picture is added to `written`."""
    rows: list[dict[str, Any]] = []
    held = 0
    for picture in pictures:
        mtime = _status(picture.path).st_mtime_ns  # before it is read: what changes between makes it stale
        data = read_bytes(picture.path).tobytes()
        written.append(_Written(len(data), zlib.crc32(data), mtime, data[:_HEAD_BYTES]))
        rows.append(
            {
                "img_id": np.array([picture.img_id], np.int32),
                "image": data,
                "annotation": picture.annotation,
            }
        )
        held += len(data)
        if len(rows) == CHUNK_IMAGES or held >= CHUNK_BYTES:
            yield rows
            rows, held = [], 0
    if rows:
        yield rows


def _page_size(job: ShardJob) -> int:
    """A power of two that holds the largest record, and keeps the pages few.

    Raises:
        UserError: a picture is missing, empty, or larger than any page.
    """
    sizes = [_status(picture.path).st_size for picture in job.pictures]
    largest = max(sizes) + max(picture.annotation.nbytes for picture in job.pictures) + 1024
    if largest > _LARGEST_PAGE:
        path = job.pictures[int(np.argmax(sizes))].path
        raise UserError(f"{path}: more than 256 MB, which MindRecord cannot hold. Leave --data.cache away.")
    size = 1 << (max(_SMALLEST_PAGE, largest, sum(sizes) // _PAGES) - 1).bit_length()
    return min(size, _LARGEST_PAGE)


def _status(path: Path) -> os.stat_result:
    """Size and times of a picture file.

    Raises:
        UserError: missing or empty.
    """
    status = path.stat() if path.is_file() else None
    if status is None or not status.st_size:
        read_bytes(path)  # says what is wrong
        raise UserError(f"{path}: changed while it was read. Start again.")
    return status


def _read_back(job: ShardJob, written: Sequence[_Written]) -> Records:
    """Look every picture up in the finished file and compare the bytes.

    Raises:
        OSError: the file does not hold what was written; MindSpore does not say so when a disk is full.
    """
    places = record_places(Path(job.file))
    if len(places) != len(written):
        raise OSError(f"{job.file} holds {len(places)} of {len(written)} pictures")
    offsets = []
    with Path(job.file).open("rb") as file:
        for picture, (begin, end), wanted in zip(job.pictures, places, written, strict=True):
            file.seek(begin)
            inside = _find(file.read(end - begin), wanted)
            if inside is None:
                raise OSError(f"{job.file} does not hold {picture.path.name} as it was written")
            offsets.append(begin + inside)
        os.fsync(file.fileno())
    for file_name in (job.file, f"{job.file}.db"):
        give_usual_permissions(Path(file_name))  # MindSpore lets only this user read them
    return Records(
        shard=np.full(len(offsets), job.number, np.int32),
        offset=np.array(offsets, np.int64),
        length=np.array([picture.length for picture in written], np.int64),
        checksum=np.array([picture.checksum for picture in written], np.uint32),
        mtime=np.array([picture.mtime for picture in written], np.int64),
    )


def _find(record: bytes, wanted: _Written) -> int | None:
    """Where in a record the picture starts; its other values, whose form is MindSpore's affair, lie around it."""
    at = record.find(wanted.head)
    while at >= 0:
        if zlib.crc32(memoryview(record)[at : at + wanted.length]) == wanted.checksum:
            return at
        at = record.find(wanted.head, at + 1)
    return None


def record_places(file: Path) -> list[tuple[int, int]]:
    """First byte of each record of a shard and the byte after its last, in the order they were written.

    The header has the sizes, the index in the .db file the places, counted from the beginning of a page.
    """
    with file.open("rb") as shard:
        (length,) = struct.unpack("<Q", shard.read(8))
        header = json.loads(shard.read(length))
    with closing(sqlite3.connect(f"{file}.db")) as index:
        rows = index.execute(
            "SELECT PAGE_ID_BLOB, PAGE_OFFSET_BLOB, PAGE_OFFSET_BLOB_END FROM INDEXES ORDER BY ROW_ID"
        ).fetchall()
    pages = [(header["header_size"] + page * header["page_size"], begin, end) for page, begin, end in rows]
    return [(page + begin, page + end) for page, begin, end in pages]


def _words(error: Exception) -> str:
    """One line; MindSpore frames its message with twenty others."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    marked = [line.rpartition("ERROR]")[2].strip() for line in lines if line.startswith("[ERROR]")]
    return (marked or lines or [type(error).__name__])[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
