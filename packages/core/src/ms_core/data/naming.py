"""Names for files made from images: short where possible, and never two alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def unique_stems(paths: Sequence[Path]) -> list[str]:
    """One file stem a path: its own where no other has it, else with its folder before or a number behind.

    Stems that differ only in case count as alike, because Windows and macOS store them as one file.
    """
    counts = Counter(path.stem.casefold() for path in paths)
    taken = {stem for stem, times in counts.items() if times == 1}
    return [
        path.stem if counts[path.stem.casefold()] == 1 else _free(f"{path.parent.name}_{path.stem}", taken)
        for path in paths
    ]


def _free(stem: str, taken: set[str]) -> str:
    """`stem`, or the first of `stem-2`, `stem-3`, ... that is not taken; takes it."""
    name, number = stem, 2
    while name.casefold() in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name.casefold())
    return name


def safe_file_name(text: str) -> str:
    """Text as a file name that every system allows."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", text).rstrip(" .") or "_"
