"""samples.npz of a MindRecord cache: every annotation exactly, and where in which shard each picture lies.

The shards' own column `annotation` is the old zoo's: whole pixels, no flags, and no way to say "no box". So what
training needs exactly lies beside the shards, which also opens 100,000 images in a second instead of reading every
shard.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ms_core.data.sample import Sample
from ms_core.errors import UserError

TABLE = "samples.npz"
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True, eq=False)
class Records:
    """Where pictures lie, one entry a picture."""

    shard: np.ndarray
    """int32 [n], number of the shard."""
    offset: np.ndarray
    """int64 [n], first byte of the encoded picture in the shard."""
    length: np.ndarray
    """int64 [n], bytes, as of the picture's file."""
    checksum: np.ndarray
    """uint32 [n], CRC-32 of these bytes."""
    mtime: np.ndarray
    """int64 [n], when the picture's file was last changed, nanoseconds since 1970."""


@dataclass(frozen=True, eq=False)
class SampleTable:
    """The samples of a split as arrays; `n` images with `m` boxes together."""

    ids: np.ndarray
    """int64 [n]."""
    names: np.ndarray
    """uint8, the paths of the picture files from the folder they start from, each ended by a zero byte."""
    sizes: np.ndarray
    """int32 [n, 2], width and height, pixels."""
    counts: np.ndarray
    """int64 [n], boxes of each image."""
    boxes: np.ndarray
    """float32 [m, 4]."""
    labels: np.ndarray
    """int32 [m]."""
    crowd: np.ndarray
    """bool [m]."""
    difficult: np.ndarray
    """bool [m]."""
    areas: np.ndarray
    """float32 [m]."""
    shard: np.ndarray
    offset: np.ndarray
    length: np.ndarray
    checksum: np.ndarray
    mtime: np.ndarray
    """These five: see `Records`."""

    @classmethod
    def of(cls, samples: Sequence[Sample], records: Records, start: str) -> SampleTable:
        """Take in samples.

        Args:
            start: absolute folder that the picture paths are stored from.

        Raises:
            UserError: an id of more than 64 bits.
        """
        for sample in samples:
            if not _INT64.min <= sample.id <= _INT64.max:
                raise UserError(f"image {sample.id}: a cache holds ids of up to 64 bits. Number it anew.")
        names = [os.fsencode(os.path.relpath(sample.path, start)) + b"\0" for sample in samples]
        return cls(
            ids=np.array([s.id for s in samples], np.int64),
            names=np.frombuffer(b"".join(names), np.uint8),
            sizes=np.array([(s.width, s.height) for s in samples], np.int32),
            counts=np.array([len(s.labels) for s in samples], np.int64),
            boxes=np.concatenate([s.boxes for s in samples]),
            labels=np.concatenate([s.labels for s in samples]),
            crowd=np.concatenate([s.crowd for s in samples]),
            difficult=np.concatenate([s.difficult for s in samples]),
            areas=np.concatenate([s.areas for s in samples]),
            **{field.name: getattr(records, field.name) for field in fields(Records)},
        )

    def __len__(self) -> int:
        return len(self.ids)

    def save(self, path: Path) -> None:
        """Write the file."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> SampleTable:
        """Read the file back.

        Raises:
            ValueError, KeyError or OSError: damaged, or not such a file.
        """
        with np.load(path, allow_pickle=False) as content:
            return cls(**{field.name: content[field.name] for field in fields(cls)})

    def paths(self, start: str) -> list[str]:
        """The picture files, as they are called where their folder is `start`."""
        names = self.names.tobytes().split(b"\0")[:-1]
        return [os.path.normpath(os.path.join(start, os.fsdecode(name))) for name in names]  # noqa: PTH118

    def samples(self, start: str) -> tuple[Sample, ...]:
        """The samples, exactly as they were taken in."""
        ends = np.concatenate(([0], np.cumsum(self.counts))).tolist()
        columns = (self.boxes, self.labels, self.crowd, self.difficult, self.areas)
        return tuple(
            Sample(id_, Path(path), width, height, *(column[begin:end] for column in columns))
            for id_, path, (width, height), begin, end in zip(
                self.ids.tolist(), self.paths(start), self.sizes.tolist(), ends[:-1], ends[1:], strict=True
            )
        )
