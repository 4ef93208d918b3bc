"""`restore_coordinates_from_json.py`: boxes found in resized pictures, back in pixels of the original ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ms_core.ascend310.flag_program import DONE, FlagProgram, Flags, required
from ms_core.atomic import JsonListFile, atomic_write
from ms_core.errors import UserError
from ms_core.json_object import read_json_object

NAME = "restore_coordinates_from_json.py"
_RESIZES = ("stretch", "fit")
Size = tuple[int, int]


def restored_box(box: list[float], original: Size, resized: Size, resize: str) -> list[float]:
    """A box in pixels of the original picture.

    Args:
        box: x, y, width, height in pixels of the resized picture.
        original: (width, height) of the picture.
        resized: (width, height) that it was resized to.
        resize: "stretch", or "fit": proportions kept, as large as fits, the picture top left.

    Returns:
        x, y, width, height, cut off at the edges of the picture, rounded to a thousandth of a pixel.
    """
    across, down = (there / here for there, here in zip(resized, original, strict=True))
    if resize == "fit":
        across = down = min(across, down)
    x0, y0 = (max(0.0, value) for value in (box[0] / across, box[1] / down))
    x1 = min(float(original[0]), (box[0] + box[2]) / across)
    y1 = min(float(original[1]), (box[1] + box[3]) / down)
    return [round(value, 3) for value in (x0, y0, max(0.0, x1 - x0), max(0.0, y1 - y0))]


def original_sizes(annotations: Path) -> dict[int, Size]:
    """Image id -> (width, height) of the pictures, by COCO annotations.

    Raises:
        UserError: no COCO annotations.
    """
    if not annotations.is_file():
        raise UserError(f"{annotations}: no such file.")
    images = read_json_object(annotations, "Name COCO annotations.").get("images")
    try:
        return {image["id"]: (int(image["width"]), int(image["height"])) for image in images or ()}
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{annotations}: images: no id, width and height everywhere. Name COCO annotations."
        ) from error


def restored(entry: Any, where: str, sizes: Mapping[int, Size], resized: Size, resize: str) -> dict[str, Any]:
    """An entry of a result file with its box restored.

    Raises:
        UserError: no entry of a COCO result file, or of an image that the annotations have not.
    """
    try:
        image, box = entry["image_id"], [float(value) for value in entry["bbox"]]
        x, y, width, height = box
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{where}: no image_id and bbox of four numbers. Name a COCO result file.") from error
    if image not in sizes:
        raise UserError(
            f"{where}: image {image} is not in the annotations. Name those that the results are for."
        )
    return {**entry, "bbox": restored_box([x, y, width, height], sizes[image], resized, resize)}


def _restore(flags: Flags) -> int:
    results = Path(required(NAME, flags, "det_result_json", "a COCO result file"))
    sizes = original_sizes(Path(required(NAME, flags, "annotations_json", "COCO annotations with the sizes")))
    resized = (_pixels(flags, "resize_width"), _pixels(flags, "resize_height"))
    resize = flags.get("resize", _RESIZES[0])
    if resize not in _RESIZES:
        raise UserError(f"{NAME}: --resize: {resize!r} is not one of {', '.join(_RESIZES)}.")
    out = Path(flags.get("output_path_name", f"{results.stem}_restored.json"))
    entries = _entries(results)
    with atomic_write(out) as file:
        listed = JsonListFile(file)
        for number, entry in enumerate(entries):
            listed.add(restored(entry, f"{results}: entry {number}", sizes, resized, resize))
        listed.close()
    print(f"{len(entries)} boxes restored, in {out}")
    return DONE


def _entries(results: Path) -> list[Any]:
    try:
        entries = json.loads(results.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{results}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UserError(f"{results}: no JSON: {error}. Name a COCO result file.") from error
    if not isinstance(entries, list):
        raise UserError(f"{results}: no list. Name a COCO result file.")
    return entries


def _pixels(flags: Flags, name: str) -> int:
    word = required(NAME, flags, name, "pixels of a side of the resized pictures")
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        raise UserError(f"{NAME}: --{name}: {word!r} is no number of pixels.")
    return int(word)


main = FlagProgram(
    NAME,
    "boxes found in resized pictures, in pixels of the original ones",
    {
        "det_result_json": "COCO result file with boxes in pixels of the resized pictures",
        "annotations_json": "COCO annotations with the sizes of the pictures",
        "resize_width": "pixels",
        "resize_height": "pixels",
        "resize": "stretch (default), or fit: proportions kept, the picture top left",
        "output_path_name": "file for the result, by default RESULT_restored.json here",
    },
    _restore,
)
