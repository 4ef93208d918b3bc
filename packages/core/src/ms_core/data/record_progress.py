"""What a person sees while a cache is built: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ms_core.run_folder import console

SECONDS_BETWEEN_LINES = 10.0


class BuildProgress:
    """Pictures written, and the time left.

    Args:
        what: first words of the bar and of every line.
        total: pictures to write.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._lock = threading.Lock()
        self._spoken = time.monotonic()
        self._first: tuple[float, int] | None = None  # starting MindSpore takes seconds and tells nothing
        self._bar = _bar() if console().is_terminal else None
        self._task = self._bar.add_task(what, total=total) if self._bar else None

    def __enter__(self) -> BuildProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def add(self, count: int) -> None:
        """Take in that `count` more are written; called from threads."""
        with self._lock:
            self._done += count
            self._first = self._first or (time.monotonic(), self._done)
            if self._bar:
                self._bar.update(self._task, completed=self._done)  # type: ignore[arg-type]
            elif time.monotonic() - self._spoken >= SECONDS_BETWEEN_LINES:
                self._spoken = time.monotonic()
                console().print(self._line(), markup=False, highlight=False, soft_wrap=True)

    def _line(self) -> str:
        line = f"{self._what}: {self._done} of {self._total} pictures"
        begin, done = self._first or (0.0, self._done)
        if self._done == done:
            return line
        seconds = (time.monotonic() - begin) / (self._done - done) * (self._total - self._done)
        return f"{line}, {timedelta(seconds=round(seconds))} left"


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console(), transient=True)
