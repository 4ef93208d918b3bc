"""What a person sees while training runs: a live bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType

import psutil
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from ms_core.run_folder import RunFolder, console
from ms_core.train.step import StepResult

SECONDS_BETWEEN_LINES = 10.0
_SMOOTHING = 0.05


class TrainingProgress:
    """Speed, remaining time and the current numbers of a run.

    Args:
        run: whose log takes the lines; other ranks than the main one stay silent.
        total: steps of the whole run.
        done: steps finished before (a resumed run).
        images: images a step, over all devices.
        steps_per_epoch: to say which epoch it is.
    """

    def __init__(self, run: RunFolder, *, total: int, done: int, images: int, steps_per_epoch: int) -> None:
        self.run = run
        self.total = total
        self.images = images
        self.steps_per_epoch = steps_per_epoch
        self.skipped = 0
        self._seconds_a_step: float | None = None
        self._spoken, self._spoken_step = time.monotonic(), done
        self._bar = _live_bar() if run.is_main and console().is_terminal else None
        self._task = self._bar.add_task("", total=total, completed=done) if self._bar else None

    def __enter__(self) -> TrainingProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Say that the first step takes long, and how long it took."""
        start = time.monotonic()
        self.run.log("compiling the training graph, this can take minutes ...")
        yield
        self.run.log(f"compiled; the first step took {time.monotonic() - start:.1f} s")
        self._spoken = time.monotonic()

    def update(self, done: int, result: StepResult, seconds: float | None) -> None:
        """Take in step number `done` (from 1), which took `seconds` (None: compiled, so it tells nothing)."""
        self.skipped += result.skipped
        if seconds is not None:
            old = self._seconds_a_step
            self._seconds_a_step = seconds if old is None else old + _SMOOTHING * (seconds - old)
        if self._bar:
            self._bar.update(self._task, completed=done, description=self.line(done, result))  # type: ignore[arg-type]
        elif time.monotonic() - self._spoken >= SECONDS_BETWEEN_LINES:
            self.say(done, result)

    def say(self, done: int, result: StepResult) -> None:
        """Log a line now, unless this step has just had one."""
        if self._spoken_step == done:
            return
        self._spoken, self._spoken_step = time.monotonic(), done
        self.run.log(self.line(done, result))

    def line(self, done: int, result: StepResult) -> str:
        """Epoch, step, loss and its parts, learning rate, images a second, remaining time, memory."""
        epoch = (done - 1) // self.steps_per_epoch + 1
        parts = " ".join(f"{name} {value:.4g}" for name, value in result.parts.items())
        remaining = timedelta(seconds=round((self.total - done) * (self._seconds_a_step or 0)))
        words = [
            f"epoch {epoch}/{-(-self.total // self.steps_per_epoch)}",
            f"step {done}/{self.total}",
            f"loss {result.loss:.4g}" + (f" ({parts})" if parts else ""),
            f"lr {result.lr:.3g}",
            f"{self.images_per_second:.1f} images/s",
            f"{remaining} left",
            f"{memory_mb() / 1024:.1f} GB",
        ]
        if self.skipped:
            words.append(f"{self.skipped} skipped")
        return "  ".join(words)

    @property
    def images_per_second(self) -> float:
        """Over all devices, smoothed over the last twenty or so steps."""
        return self.images / self._seconds_a_step if self._seconds_a_step else 0.0


def memory_mb() -> float:
    """Resident memory of this process in MiB."""
    return psutil.Process().memory_info().rss / 2**20


def _live_bar() -> Progress:
    columns = (BarColumn(bar_width=20), TaskProgressColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console(), transient=True)
