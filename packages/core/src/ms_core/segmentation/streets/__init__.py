"""A small segmentation set made from nothing: street scenes in the Cityscapes layout, with all of its 19 classes.

For demos and end-to-end tests. Colours overlap between classes, so a network has to learn shapes and places. A seed
gives the same pictures with the same versions of NumPy and OpenCV.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from ms_core.atomic import atomic_write
from ms_core.errors import UserError
from ms_core.segmentation.cityscapes_labels import ID_TO_TRAIN_ID
from ms_core.segmentation.streets.scene import draw_street

DESCRIPTION = "synthetic streets of ms-core"
"""In streets.json: by it a folder is known as one that may be written again."""
CITY = "toytown"
"""Name of the one city, as folder and before each file's number."""


@dataclass(frozen=True)
class StreetsSet:
    """Where the set is."""

    root: Path
    """The folder for `--data.root`."""
    train: tuple[Path, ...]
    """Pictures."""
    val: tuple[Path, ...]
    """Pictures."""


def make_streets(
    folder: Path | str,
    *,
    train: int = 200,
    val: int = 40,
    seed: int = 1,
    size: tuple[int, int] = (256, 512),
    progress: bool = False,
) -> StreetsSet:
    """Write the set into `folder`: leftImg8bit, and gtFine with labelTrainIds and labelIds.

    Args:
        folder: new or empty, or one that this function wrote; it is written anew.
        train, val: pictures of each split, >= 1; more of them start with the same ones.
        seed: the same seed and size give the same pictures.
        size: (height, width), pixels, each >= 64.
        progress: show a bar on stderr.

    Raises:
        UserError: a folder with other things in it, or too small a number.
    """
    if min(train, val) < 1 or min(size) < 64:
        raise UserError(
            f"streets: {train} train and {val} val pictures of {size[1]}x{size[0]} pixels; needs >= 1, >= 1, >= 64."
        )
    root = Path(folder)
    _claim(root, {"train": train, "val": val, "seed": seed, "size": list(size)})
    pictures: dict[str, list[Path]] = {}
    for number, (split, count) in enumerate((("train", train), ("val", val))):
        seeds = np.random.SeedSequence([seed, number]).spawn(count)
        places = [_places(root, split, index) for index in range(count)]
        for file in places[0]:
            file.parent.mkdir(parents=True, exist_ok=True)
        work = list(zip(seeds, places, strict=True))
        shown = Console(stderr=True)
        for child, place in track(
            work, f"streets: {split}", console=shown, transient=True, disable=not progress
        ):
            _write_scene(np.random.default_rng(child), size, *place)
        pictures[split] = [place[0] for place in places]
    return StreetsSet(root, tuple(pictures["train"]), tuple(pictures["val"]))


def _claim(root: Path, settings: dict[str, object]) -> None:
    """Make the folder and take away the pictures of an earlier set; refuse folders of somebody else."""
    note = root / "streets.json"
    if root.is_dir() and any(root.iterdir()):
        if not _is_ours(note):
            raise UserError(f"{root}: holds other files. Give a new folder for the synthetic streets.")
        for old in [
            *root.glob(f"leftImg8bit/*/{CITY}/{CITY}_*.png"),
            *root.glob(f"gtFine/*/{CITY}/{CITY}_*.png"),
        ]:
            old.unlink()
    root.mkdir(parents=True, exist_ok=True)
    with atomic_write(note) as file:
        json.dump({"description": DESCRIPTION, **settings}, file, indent=1)


def _is_ours(note: Path) -> bool:
    try:
        return json.loads(note.read_text("utf-8"))["description"] == DESCRIPTION
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _places(root: Path, split: str, index: int) -> tuple[Path, Path, Path]:
    """Files of the picture, its training ids and its label ids."""
    name = f"{CITY}_{index:06d}_000019"
    labels = root / "gtFine" / split / CITY
    return (
        root / "leftImg8bit" / split / CITY / f"{name}_leftImg8bit.png",
        labels / f"{name}_gtFine_labelTrainIds.png",
        labels / f"{name}_gtFine_labelIds.png",
    )


def _write_scene(
    rng: np.random.Generator, size: tuple[int, int], picture: Path, train_ids: Path, label_ids: Path
) -> None:
    drawn, ids = draw_street(rng, size)
    _write_png(picture, cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    _write_png(train_ids, cv2.LUT(ids, ID_TO_TRAIN_ID))
    _write_png(label_ids, ids)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    """Encode in memory, then write: cv2.imwrite cannot open every path on Windows."""
    _, data = cv2.imencode(".png", pixels)
    with atomic_write(path, binary=True) as file:
        file.write(data.tobytes())
