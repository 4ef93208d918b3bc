"""Processes that draw label images from polygons side by side; run as a module it is one of them.

Not `multiprocessing`: its processes import the caller's program anew, and Ctrl-C reaches all of them at once.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO

from ms_core.errors import UserError
from ms_core.segmentation.cityscapes import LabelKind


def draw_side_by_side(files: Sequence[Path], labels: LabelKind, processes: int) -> Iterator[Path]:
    """Draw the label images of polygon files, and yield each file when its image is written.

    Whatever ends this early, each process finishes the image it is at.

    Raises:
        UserError: a faulty file, or a process died.
    """
    waiting: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for file in files:
        waiting.put(file)
    done: queue.SimpleQueue[Path | Exception] = queue.SimpleQueue()
    stop = threading.Event()
    with ThreadPoolExecutor(processes) as pool:
        try:
            for _ in range(processes):
                pool.submit(_feed, labels, waiting, done, stop)
            for _ in files:
                result = done.get()
                if isinstance(result, Exception):
                    raise result
                yield result
        finally:
            stop.set()


def _feed(
    labels: LabelKind,
    waiting: queue.SimpleQueue[Path],
    done: queue.SimpleQueue[Path | Exception],
    stop: threading.Event,
) -> None:
    """Start a process and give it one file after another, until there is none, or one is faulty."""
    try:
        with _Drawer(labels) as drawer, suppress(queue.Empty):
            while not stop.is_set():
                file = waiting.get_nowait()
                drawer.draw(file)
                done.put(file)
    except Exception as error:  # raised again where `done` is read
        done.put(error)


class _Drawer:
    """One process."""

    def __init__(self, labels: LabelKind) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ms_core.segmentation.polygon_processes", labels],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for the parent
        )

    def __enter__(self) -> _Drawer:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the process end: it does when its input does."""
        with suppress(BrokenPipeError), self._process:  # what a dead one did not take is still to be sent
            pass

    def draw(self, file: Path) -> None:
        """Have one file drawn.

        Raises:
            UserError: it is faulty, or the process died.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        answer = b""
        with suppress(BrokenPipeError):  # whoever is dead gives no answer
            self._process.stdin.write(json.dumps(str(file)).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            code = self._process.wait()
            raise UserError(
                f"{file}: the process that drew it ended with code {code}. Try again with --nproc 1."
            )
        if message := json.loads(answer):
            raise UserError(message)


def serve(source: IO[bytes], answers: IO[bytes], labels: LabelKind) -> None:
    """Draw the files that come in, a JSON string a line, and answer each: "" or what is wrong with it."""
    from ms_core.segmentation.polygons import write_label_image

    for line in source:
        message = ""
        try:
            write_label_image(Path(json.loads(line)), labels)
        except UserError as error:
            message = str(error)
        answers.write(json.dumps(message).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, "labelIds" if sys.argv[1] == "labelIds" else "labelTrainIds")
