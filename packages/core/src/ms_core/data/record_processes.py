"""Several processes that write the shards of a MindRecord cache side by side; the parent's part."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

import numpy as np

from ms_core.data.record_table import Records
from ms_core.data.record_writer import ShardJob
from ms_core.errors import UserError

BYTES_A_PROCESS = 64 << 20
"""Pictures that are worth another process: each takes some seconds to start MindSpore."""


def write_shards(
    jobs: Sequence[ShardJob], folder: Path, size: int, written: Callable[[int], None]
) -> Records:
    """Write shards into `folder`, with at most one process a core.

    Args:
        size: bytes of all pictures, by which the number of processes is chosen.
        written: called from threads with the number of pictures written since the last call.

    Returns:
        The records of all jobs, in their order.

    Raises:
        UserError: a picture is faulty.
        OSError: the disk refuses, or a process died.
    """
    count = max(1, min(os.cpu_count() or 1, len(jobs), size // BYTES_A_PROCESS))
    parts: dict[int, Records] = {}
    writers: list[_Writer] = []
    with ThreadPoolExecutor(count) as pool:
        try:
            writers += [_Writer(folder, number) for number in range(count)]
            following = [
                pool.submit(writer.follow, jobs[number::count], written, parts)
                for number, writer in enumerate(writers)
            ]
            for future in as_completed(following):
                future.result()
        finally:
            for writer in writers:
                writer.end()
    ordered = [parts[job.number] for job in jobs]
    return Records(**{f.name: np.concatenate([getattr(p, f.name) for p in ordered]) for f in fields(Records)})


class _Writer:
    """One process, started in `folder` and waiting for its jobs."""

    def __init__(self, folder: Path, number: int) -> None:
        self._log = folder / f"writer{number}.log"
        with self._log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ms_core.data.record_writer"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env=_environment(),
            )

    def follow(
        self, jobs: Sequence[ShardJob], written: Callable[[int], None], parts: dict[int, Records]
    ) -> None:
        """Give the process its jobs and take in what it reports, to its end.

        Raises:
            UserError: it met a faulty picture.
            OSError: the disk refused, or it died.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError), process.stdin as pipe:  # whoever is dead is noticed below
            pickle.dump(list(jobs), pipe)
        with process.stdout as pipe:
            for kind, value in _messages(pipe):
                if kind == "written":
                    written(value)
                elif kind == "shard":
                    parts[value[0]] = value[1]
                else:
                    raise UserError(value) if kind == "error" else OSError(value)
        if process.wait():
            raise OSError(f"a writing process ended with code {process.returncode}{self._last_words()}")

    def end(self) -> None:
        """Stop the process, if it still runs, and remove its log."""
        self._process.kill()
        self._process.wait()
        self._log.unlink(missing_ok=True)

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f" ({lines[-1][:200]})" if lines else ""


def _environment() -> dict[str, str]:
    """That of this process, with its modules, and without MindSpore's warnings."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "GLOG_v": "3"}


def _messages(pipe: IO[bytes]) -> Iterator[tuple[str, Any]]:
    while True:
        try:
            yield pickle.load(pipe)  # from the process started above
        except (EOFError, pickle.UnpicklingError):  # the last message of a killed writer may be cut off
            return
