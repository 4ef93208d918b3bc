"""Do slow work for coming items while the present one is used."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    items: Iterable[Item], work: Callable[[Item], Result], *, workers: int = 2, ahead: int = 16
) -> Iterator[Result]:
    """`map(work, items)` in order, on threads, holding at most `ahead` results.

    Errors of `work` and of `items` come where they happened, after the results before.
    """
    keep_freed_memory()
    waiting: deque[Future[Result]] = deque()
    source = iter(items)

    def take(count: int) -> None:
        try:
            for item in islice(source, count):
                waiting.append(pool.submit(work, item))
        except Exception as error:
            waiting.append(Future())
            waiting[-1].set_exception(error)

    with ThreadPoolExecutor(workers) as pool:
        try:
            take(ahead)
            while waiting:
                result = waiting.popleft().result()
                take(1)
                yield result
        finally:
            for future in waiting:
                future.cancel()


def thread_count(workers: int) -> int:
    """Threads to start where `train.workers` asks for so many: never more than the machine has cores."""
    return min(workers, os.cpu_count() or 1)


def keep_freed_memory() -> None:
    """Let the process reuse the memory of pictures instead of returning it to the system after each one.

    glibc returns freed memory above a threshold, and the next picture then pays a page fault every 4 KiB: decoding a
    800x600 JPEG took 2.8 ms with them and 1.2 ms without. The threshold is twice the largest block that was ever
    freed, up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD), so one block of nearly that size, never touched, lifts it to
    64 MiB. Where the user set MALLOC_TRIM_THRESHOLD_, and in other C libraries, it does nothing.
    """
    np.empty(_BLOCK, np.uint8)


_BLOCK = (32 << 20) - (64 << 10)
"""Bytes, with room for malloc's own below 32 MiB."""
