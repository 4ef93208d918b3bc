"""Pictures as the C++ library reads, resizes and normalises them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def dumped(
    dump: Path, command: Sequence[str], files: Sequence[Path], folder: Path
) -> list[tuple[list[int], bytes] | str]:
    """Of each file the numbers and bytes that `ms310_dump` gives, or the message with which it was refused."""
    folder.mkdir(exist_ok=True)
    ran = subprocess.run([dump, *command, folder, *files], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "runtime error" not in ran.stderr, ran.stderr
    lines = ran.stdout.splitlines()
    assert len(lines) == len(files)
    return [
        line
        if line.startswith("error: ")
        else (list(map(int, line.split())), (folder / f"{place}.bin").read_bytes())
        for place, line in enumerate(lines)
    ]


def decoded(dump: Path, files: Sequence[Path], folder: Path) -> list[np.ndarray | str]:
    """uint8 [h, w, 3] RGB of each file, or the message with which it was refused."""
    return [
        each if isinstance(each, str) else np.frombuffer(each[1], np.uint8).reshape(each[0][1], each[0][0], 3)
        for each in dumped(dump, ["decode"], files, folder)
    ]
