"""Finding the folder that relative image paths start from, and saying which files are not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ms_core.errors import UserError

IMAGE_FOLDERS = ("JPEGImages", "Images", "images")
"""What the image folder of a set is usually called."""
LOOKED_AT = 16
"""Images by which the folder is chosen."""
ALL_CHECKED = 5000
"""Up to so many images, each is looked for when a dataset opens; of a larger set as many, evenly spread.

A look costs some 10 microseconds on a disk and a millisecond on a network drive; `data check` looks for every
one.
"""


def posix_name(name: str) -> str:
    """A path as Windows tools may write it, with forward slashes."""
    return name.replace("\\", "/")


def sibling_folders(annotation: Path) -> list[Path]:
    """Folders where the images of an annotation file usually lie, most likely first.

    Own folder; `images` or one named like the split beside the file or one level up, as in COCO's
    `annotations/instances_train2017.json` with `train2017/`.
    """
    stem = annotation.stem
    splits = dict.fromkeys((stem, stem.partition("_")[2], stem.rpartition("_")[0]))
    inner = [*IMAGE_FOLDERS, *(name for split in splits if split for name in (split, f"images/{split}"))]
    folders: list[Path] = []
    for base in (annotation.parent, annotation.absolute().parent.parent):
        folders += [base, *(base / name for name in inner)]
    return folders


def choose_folder(names: Sequence[str], candidates: Sequence[Path]) -> Path:
    """The candidate that holds most of the first few `names`; the first one on a tie, or if none does."""
    first = names[:LOOKED_AT]
    found = [sum((folder / name).is_file() for name in first) for folder in candidates]
    return candidates[int(np.argmax(found))]


def image_base(annotation: Path, names: Sequence[str], images: Path | str | None) -> Path:
    """The folder that `names` start from: `images`, where the user gave it, else a usual sibling.

    Raises:
        UserError: `images` is no folder.
    """
    if images is None:
        return choose_folder(names, sibling_folders(annotation))
    folder = Path(images)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; looked for the images at {folder.absolute()}.")
    inner = [
        folder / name for name in (annotation.stem.partition("_")[2], annotation.stem, *IMAGE_FOLDERS) if name
    ]
    return choose_folder(names, [folder, *inner])


def require_images(paths: Sequence[Path], names: Sequence[str]) -> None:
    """Stop where image files are missing: better at the start than hours into training.

    Args:
        paths: of the images.
        names: how messages name each, in the same order.

    Raises:
        UserError: names the first missing file with its absolute path, and how many are missing.
    """
    looked = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), ALL_CHECKED)).astype(int)).tolist()
    missing = [i for i in looked if not paths[i].is_file()]
    if missing:
        of = f"{len(looked)}" if len(looked) == len(paths) else f"the {len(looked)} looked for"
        raise UserError(
            f"{names[missing[0]]}: no image file at {paths[missing[0]].absolute()} ({len(missing)} of {of} "
            "are missing). Pass --data.images FOLDER, where image paths start from, or restore the files."
        )
