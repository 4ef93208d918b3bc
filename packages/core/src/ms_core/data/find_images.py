"""Pictures that a user names on the command line."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from ms_core.data.images import IMAGE_SUFFIXES
from ms_core.errors import UserError


def find_images(inputs: Sequence[str], leave_out: Path | None = None) -> list[Path]:
    """Pictures behind files, folders (searched in depth) and glob patterns; each once, in a stable order.

    Args:
        leave_out: folder whose pictures do not count when another folder is searched, such as that of the results.

    Raises:
        UserError: an input names nothing.
    """
    found: dict[Path, None] = {}
    for text in inputs:
        found.update(dict.fromkeys(_images_of(text, leave_out)))
    return list(found)


def _images_of(text: str, leave_out: Path | None) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        images = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if leave_out is not None and leave_out.absolute() != path.absolute():
            images = [p for p in images if not p.absolute().is_relative_to(leave_out.absolute())]
        if not images:
            raise UserError(f"{path.absolute()}: no pictures in this folder.")
        return images
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))  # noqa: PTH207 (absolute patterns)
    images = [p for p in matches if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise UserError(f"{path.absolute()}: no such picture, folder or pattern.")
    return images
