"""Ctrl-C and termination as a request that is honoured between steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType


class StopRequested(Exception):
    """Raised by the first signal inside `StopSignals.at_once`."""


class StopSignals:
    """While active, the first SIGINT or SIGTERM sets `requested`; a second one raises KeyboardInterrupt.

    Both signals, because MindSpore takes SIGINT over while graphs compile and run, and passes it on as
    SIGTERM. Python runs handlers between steps; during a compilation, after it. Outside the main thread
    nothing is installed.
    """

    def __init__(self) -> None:
        self.requested = False
        self._raise_at_once = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler or signal.SIG_DFL)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        if self._raise_at_once:
            raise StopRequested

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that changes nothing that is to be kept: the first signal ends it by StopRequested."""
        self._raise_at_once = True
        try:
            if self.requested:
                raise StopRequested
            yield
        finally:
            self._raise_at_once = False
