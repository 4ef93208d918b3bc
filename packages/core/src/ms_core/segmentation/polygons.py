"""Label images from the polygons of Cityscapes: `*_polygons.json` -> `*_labelTrainIds.png` beside it.

The images equal those of cityscapesscripts, the data set's own tools, pixel by pixel: later objects cover earlier ones,
and Pillow fills the polygons.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track

from ms_core.atomic import atomic_write
from ms_core.data.text import read_json
from ms_core.errors import UserError
from ms_core.segmentation.cityscapes import ANNOTATIONS, LabelKind
from ms_core.segmentation.cityscapes_labels import VOID, label_named
from ms_core.segmentation.polygon_processes import draw_side_by_side

_ENDING = "_polygons.json"
_FILES_A_PROCESS = 8
"""Files that are worth another process: it takes half a second to start."""


@dataclass(frozen=True)
class ConvertedPolygons:
    """What was done."""

    written: int
    skipped: int
    """Files whose label image was there already."""


def convert_polygons(
    root: Path | str,
    *,
    labels: LabelKind = "labelTrainIds",
    processes: int = 1,
    overwrite: bool = False,
    progress: bool = False,
) -> ConvertedPolygons:
    """Draw the label image of every `gtFine/**/*_polygons.json` (and gtCoarse) beside its file.

    Args:
        root: the folder that holds gtFine, or gtFine itself, or one in it.
        labels: value of the pixels: training ids on 255, or label ids on 0.
        processes: that draw side by side, >= 0; 0 takes one a core.
        overwrite: draw also where a label image is there.
        progress: show a bar on stderr.

    Raises:
        UserError: no polygons there; a file that is none, or has a label that Cityscapes does not know, named. What
            was drawn before stays, each image whole.
    """
    if processes < 0:
        raise UserError(f"--nproc {processes}: must be at least 0. 0 takes one a core.")
    files = polygon_files(Path(root))
    todo = [file for file in files if overwrite or not label_image_path(file, labels).exists()]
    count = min(processes or os.cpu_count() or 1, -(-len(todo) // _FILES_A_PROCESS))
    one_by_one = map(partial(write_label_image, labels=labels), todo)
    drawn: Iterator[Path] = draw_side_by_side(todo, labels, count) if count > 1 else one_by_one
    shown = Console(stderr=True)
    for _ in track(drawn, "drawing labels", len(todo), console=shown, transient=True, disable=not progress):
        pass
    return ConvertedPolygons(len(todo), len(files) - len(todo))


def polygon_files(root: Path) -> list[Path]:
    """The polygon files below a Cityscapes folder, sorted.

    Raises:
        UserError: no such folder, or none in it.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; looked for Cityscapes at {root.absolute()}.")
    below = [root / name for name in ANNOTATIONS if (root / name).is_dir()] or [root]
    files = [file for folder in below for file in sorted(folder.rglob(f"*{_ENDING}"))]
    if not files:
        where = " and ".join(str(folder) for folder in below)
        raise UserError(f"{where}: no *{_ENDING} in it. Pass the folder that holds gtFine with --data.root.")
    return files


def label_image_path(file: Path, labels: LabelKind) -> Path:
    """Where the label image of a polygon file belongs."""
    return file.with_name(f"{file.name.removesuffix(_ENDING)}_{labels}.png")


def write_label_image(file: Path, labels: LabelKind) -> Path:
    """Draw one file's label image and write it beside the file.

    Returns:
        The file.

    Raises:
        UserError: as `draw_label_image`, or the system refuses to write.
    """
    picture = draw_label_image(file, labels)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    with atomic_write(label_image_path(file, labels), binary=True) as out:
        out.write(buffer.getvalue())
    return file


def draw_label_image(file: Path, labels: LabelKind = "labelTrainIds") -> Image.Image:
    """The label image of a polygon file.

    Deleted objects are left out, and so are those that have no id (license plates).

    Returns:
        8-bit grey, `imgWidth` x `imgHeight` pixels.

    Raises:
        UserError: not what a polygon file holds, or an unknown label; file and object are named.
    """
    content = read_json(file, "polygons of Cityscapes")
    width, height, objects = _parts(content, file)
    picture = Image.new("L", (width, height), VOID if labels == "labelTrainIds" else 0)
    brush = ImageDraw.Draw(picture)
    for number, item in enumerate(objects):
        where = f"{file}: object {number}"
        name, corners = _object(item, where)
        if item.get("deleted"):
            continue
        label = label_named(name)
        if label is None:
            raise UserError(
                f"{where}: label '{name}' is not one of Cityscapes. Correct it, or mark it as deleted."
            )
        if label.id >= 0:
            brush.polygon(corners, fill=label.train_id if labels == "labelTrainIds" else label.id)
    return picture


def _parts(content: Any, file: Path) -> tuple[int, int, list[Any]]:
    """Width and height in pixels, and the objects."""
    parts = (
        [content.get(key) for key in ("imgWidth", "imgHeight", "objects")]
        if isinstance(content, dict)
        else []
    )
    match parts:
        case [int(width), int(height), list(objects)] if width > 0 and height > 0:
            return width, height, objects
    raise UserError(f"{file}: no imgWidth, imgHeight and objects, as polygon files of Cityscapes have.")


def _object(item: Any, where: str) -> tuple[str, list[tuple[float, float]]]:
    """Label and corners (x, y), pixels."""
    try:
        name, corners = item["label"], [(x + 0, y + 0) for x, y in item["polygon"]]
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{where}: needs a label and a polygon of [x, y] corners. Correct it.") from error
    if not isinstance(name, str) or len(corners) < 2:
        raise UserError(
            f"{where}: a polygon of {len(corners)} corners, label {name!r}. Correct it, or remove it."
        )
    return name, corners
