"""One process at a time, also across ranks, machines with a common disk, and processes that die."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ms_core.errors import UserError

POLL_SECONDS = 0.2
"""Between two tries, so that Ctrl-C ends the waiting."""


@contextmanager
def exclusive(path: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of the file at `path`, which is made and stays.

    The system gives the lock back when its holder ends, however that happens, so nobody waits for the dead.
    Only the file's lock counts, never that it is there.

    Args:
        waiting: called once with a name of the holder, if another process holds the lock.

    Raises:
        UserError: the file cannot be made, or its disk knows no locks.
    """
    try:
        import fcntl
    except ImportError as error:
        raise UserError(
            f"{path.parent}: Windows lacks the file locks of a cache. Leave --data.cache away."
        ) from error

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot write here ({error.strerror}).") from error
    try:
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    waiting(_holder(descriptor))
                    told = True
                time.sleep(POLL_SECONDS)
            except OSError as error:
                raise UserError(
                    f"{path}: this disk has no file locks ({error.strerror}), without which two processes could "
                    "write at once. Take a folder on another disk."
                ) from error
        _sign(descriptor)
        yield
    finally:
        os.close(descriptor)


def _sign(descriptor: int) -> None:
    """Say in the file who holds its lock, for those who wait."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
