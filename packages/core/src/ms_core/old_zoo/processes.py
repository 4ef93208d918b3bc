"""Running what a script starts: one process or one a device, in the background or not, with the old logs.

msrun is not used: it kills the other processes when one ends, so that nothing could be resumed, and it answers every
failure with exit code 1. The processes get the variables that msrun sets (MindSpore's guide "dynamic cluster"), or
those of the old start-up with a rank table.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from ms_core.cli import DONE
from ms_core.errors import UserError

START_SECONDS = 2.0
"""How long a start in the background is watched: a process that fails at once is no success."""
STOP_SECONDS = 120.0
"""How long processes may take to save and end after the first one failed or a signal came."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Process:
    """One process to start."""

    command: tuple[str, ...]
    """Program and arguments."""
    environment: Mapping[str, str]
    """The whole environment."""
    log: Path
    """File for its output, replaced."""


def run_in_foreground(processes: Sequence[Process]) -> int:
    """Run to the end; the first process's output is shown as well as logged.

    Returns:
        The exit code of the first process that failed, else 0.
    """
    _make_folders(processes)
    code = _Group(processes, show=True).run()
    if code != DONE:
        _report_end(processes)
    return code


def run_in_background(processes: Sequence[Process]) -> int:
    """Start, print the number of the process that looks after all of them (`kill` stops the run), and return.

    Returns:
        0; or the exit code, where the run failed within `START_SECONDS`.
    """
    _make_folders(processes)
    sys.stdout.flush()
    sys.stderr.flush()
    number = os.fork()
    if number == 0:
        _look_after(processes)
    pid_file(processes[0].log).write_text(f"{number}\n", encoding="utf-8")
    code = _early_end(number)
    if code is None:
        print(f"started in the background: pid {number}, log {processes[0].log}")
        return DONE
    if code != DONE:
        _report_end(processes)
    return code


def require_stopped(folder: Path, name: str = "pid") -> None:
    """
    Args:
        folder: of the log.
        name: of the file with the number, as `pid_file` gives it.

    Raises:
        UserError: what was started in this folder before still runs.
    """
    with suppress(OSError, ValueError, psutil.Error):
        number = int((folder / name).read_text(encoding="utf-8"))
        if "ms_core.old_zoo" in psutil.Process(number).cmdline():
            raise UserError(
                f"{folder}: pid {number} still runs there. Wait for it, stop it (kill {number}), or start "
                "in another folder."
            )


def pid_file(log: Path) -> Path:
    """File for the number of what looks after the processes: `pid` in a folder of its own, else named as the log."""
    return log.with_name("pid") if log.name == "log.txt" else log.with_suffix(".pid")


def last_line(log: Path) -> str:
    """The last line of a log that says anything."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class _Group:
    """Processes that live and end together."""

    def __init__(self, processes: Sequence[Process], show: bool) -> None:
        self.processes = processes
        self.show = show
        self.started: list[subprocess.Popen[bytes]] = []
        self.stopping_since: float | None = None

    def run(self) -> int:
        before = {
            number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)
        }
        copier = None
        try:
            for position, process in enumerate(self.processes):
                shown = self.show and position == 0
                self.started.append(_start(process, shown))
                if shown:
                    copier = _copy_output(self.started[0], process.log)
            code = self._wait()
            if copier is not None:
                copier.join(STOP_SECONDS)
            return code
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _wait(self) -> int:
        first_failure = DONE
        while None in [
            process.poll() for process in self.started
        ]:  # every one of them, so that none fails unseen
            first_failure = first_failure or self._failure()
            if first_failure:
                self._stop()
            self._kill_if_late()
            time.sleep(_POLL_SECONDS)
        return first_failure or self._failure()

    def _failure(self) -> int:
        """Exit code of a process that failed, as a shell would give it; 0 for none."""
        codes = [process.returncode for process in self.started]
        failed = next((code for code in codes if code), DONE)
        return failed if failed >= 0 else 128 - failed

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        """Ask all to end, once; training saves before it does."""
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
            self._send(signal.SIGTERM)

    def _kill_if_late(self) -> None:
        if self.stopping_since is not None and time.monotonic() - self.stopping_since > STOP_SECONDS:
            self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(number)


def _start(process: Process, shown: bool) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C in the terminal reaches it once: through us."""
    with process.log.open("wb") as log:
        return subprocess.Popen(
            process.command,
            env=dict(process.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if shown else log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _copy_output(process: subprocess.Popen[bytes], log: Path) -> threading.Thread:
    """Write what a process says to its log and to our output, until it ends."""
    assert process.stdout is not None
    thread = threading.Thread(target=_copy, args=(process.stdout, log), daemon=True)
    thread.start()
    return thread


def _copy(source: IO[bytes], log: Path) -> None:
    shown = True
    with source, log.open("wb") as file:
        while chunk := source.read1(65536):  # type: ignore[attr-defined]
            file.write(chunk)
            file.flush()
            shown = shown and _show(chunk)


def _show(chunk: bytes) -> bool:
    """Whether anybody still reads our output; a closed pipe must not end the run."""
    try:
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except (BrokenPipeError, ValueError):
        return False
    return True


def _look_after(processes: Sequence[Process]) -> None:
    """The child's part of a start in the background; does not return."""
    code = 1
    try:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        code = _Group(processes, show=False).run()
    finally:
        os._exit(code)


def _early_end(number: int) -> int | None:
    """Exit code of a child that ends within `START_SECONDS`; None while it runs."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(number, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_POLL_SECONDS)
    return None


def _make_folders(processes: Sequence[Process]) -> None:
    for process in processes:
        process.log.parent.mkdir(parents=True, exist_ok=True)


def _report_end(processes: Sequence[Process]) -> None:
    for process in processes:
        print(f"{process.log}: {last_line(process.log)}", file=sys.stderr)
