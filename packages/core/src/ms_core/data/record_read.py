"""Pictures out of the shards of a MindRecord cache, in any order and from any thread.

Training asks for the batch of any step (a run may go on in mid-epoch), so a picture must be had by its number. What
MindSpore 2.10 offers, and what it costs: CPU milliseconds a picture of 180 kB in one process, where reading its file
takes 0.05 and decoding it 2.3 (benchmarks/record_cache.py):

- `MindDataset` with a `SubsetSampler`, one pipeline for an epoch: 0.17. A pipeline gives its rows in one order to one
  consumer, and has to be made anew for a resume and for every evaluation.
- the same, made for a batch of 8: 3.0.
- `FileReader`: 2.0, and in the order of the file only.
- the picture's bytes at their place in the shard: 0.02, and 0.07 when they are read for the first time.

So the last: a shard holds the encoded picture in one piece, and its place is noted in samples.npz when the shard is
written, after reading it back from there (`record_writer`). Nothing is assumed about the file format later, any
MindSpore reads the same shards with all their columns, and a checksum tells damage. `os.preadv` has no position to
share, so threads need no lock, and the open files stay readable when a newer cache takes this one's place.
"""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ms_core.data.record_table import SampleTable
from ms_core.data.sample import Sample
from ms_core.errors import UserError


class RecordReader:
    """An `EncodedReader`: the encoded picture of a sample, by its id.

    Args:
        files: the shards, all of them, in the order of their numbers.
        table: what lies where.

    Raises:
        OSError: a shard cannot be opened.
    """

    def __init__(self, files: Sequence[Path], table: SampleTable) -> None:
        self._files = list(files)
        self._descriptors: list[int] = []
        self._close = weakref.finalize(self, _close_all, self._descriptors)
        for file in self._files:
            self._descriptors.append(os.open(file, os.O_RDONLY | os.O_CLOEXEC))
        self._row = {id_: row for row, id_ in enumerate(table.ids.tolist())}
        self._places = list(
            zip(
                table.shard.tolist(),
                table.offset.tolist(),
                table.length.tolist(),
                table.checksum.tolist(),
                strict=True,
            )
        )
        self._checked = bytearray(len(table))

    def sizes(self) -> list[int]:
        """Bytes of the files that are open, one a shard."""
        return [os.fstat(descriptor).st_size for descriptor in self._descriptors]

    def __call__(self, sample: Sample) -> np.ndarray:
        """uint8 [n], the picture's file as it was; its checksum is compared when it is read for the first time.

        Raises:
            UserError: the shard is damaged there, or cannot be read.
        """
        row = self._row[sample.id]
        shard, offset, length, checksum = self._places[row]
        data = np.empty(length, np.uint8)
        try:
            got = _read_at(self._descriptors[shard], data, offset)
        except OSError as error:
            raise UserError(f"{self._files[shard]}: cannot be read ({error.strerror}).") from error
        if got != length or not (self._checked[row] or zlib.crc32(data.data) == checksum):
            raise UserError(
                f"{self._files[shard]}: damaged at the picture {sample.path.name}. Delete the folder "
                f"{self._files[shard].parent}; it is built anew from --data.train or --data.val."
            )
        self._checked[row] = 1
        return data

    def close(self) -> None:
        """Give the files back before the object goes."""
        self._close()


def _read_at(descriptor: int, data: np.ndarray, offset: int) -> int:
    """Fill `data` from a place in a file; returns the bytes read, fewer where the file ends."""
    got = 0
    while got < len(data):  # a network disk may give less than was asked for
        more = os.preadv(descriptor, [data.data[got:]], offset + got)
        if not more:
            break
        got += more
    return got


def _close_all(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
