"""`om_infer_perf_test.py`: all pictures of a set through a MindX SDK pipeline: COCO results and time a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ms_core.ascend310.flag_program import DONE, WRONG_USE, FlagProgram, Flags
from ms_core.ascend310.sdk_infer import STREAM_FLAGS, objects_of, open_stream, pictures_in
from ms_core.ascend310.sdk_pipeline import DVPP_PIPELINE
from ms_core.atomic import JsonListFile, atomic_write
from ms_core.errors import UserError
from ms_core.json_object import read_json_object

RESULTS, TIMES = "om_det_result.json", "om_infer_perf.txt"
OUTPUT = "om_infer_output_on_coco_val2017"
"""Old default folder."""
_MANIFEST = "manifest.json"


def category_ids(pipeline: Path) -> list[int]:
    """Category of each class, without the background, by the manifest in the folder above the pipeline's.

    Raises:
        UserError: no manifest there.
    """
    path = pipeline.absolute().parent.parent / _MANIFEST
    if not path.is_file():
        raise UserError(
            f"{path}: no such file. The pipeline belongs into the folder ascend of an exported model."
        )
    ids = read_json_object(path, "Export the model again.").get("category_ids")
    if not isinstance(ids, list):
        raise UserError(f"{path}: category_ids is missing. Export the model again.")
    return ids


def image_ids(annotations: Path | None) -> Mapping[str, int] | None:
    """Name of a picture -> its id in COCO annotations; None: the name is the number.

    Raises:
        UserError: no COCO annotations.
    """
    if annotations is None:
        return None
    if not annotations.is_file():
        raise UserError(f"{annotations}: no such file. Name the annotations with --annotations_json.")
    images = read_json_object(annotations, "Name COCO annotations.").get("images")
    if not isinstance(images, list):
        raise UserError(f"{annotations}: no list `images` in it. Name COCO annotations.")
    return {Path(image["file_name"]).name: image["id"] for image in images}


def coco_entries(
    image_id: int, objects: list[dict[str, Any]], categories: list[int]
) -> Iterator[dict[str, object]]:
    """The SDK's objects as entries of a COCO result file: x, y, width, height in pixels.

    Raises:
        UserError: a class that the manifest has not.
    """
    for each in objects:
        best = each["classVec"][0]
        label = int(best["classId"]) - 1  # the background is 0
        if not 0 <= label < len(categories):
            raise UserError(
                f"image {image_id}: class {best['classId']} of {len(categories)} and the background. The pipeline's "
                "model is not the one of the manifest; convert it again."
            )
        box = [each["x0"], each["y0"], each["x1"] - each["x0"], each["y1"] - each["y0"]]
        yield {
            "image_id": image_id,
            "category_id": categories[label],
            "bbox": [round(float(value), 3) for value in box],
            "score": round(float(best["confidence"]), 6),
        }


def _measure(flags: Flags) -> int:
    pipeline = Path(flags.get("pipeline_path", DVPP_PIPELINE))
    categories = category_ids(pipeline)
    annotations = flags.get("annotations_json")
    ids = image_ids(None if annotations is None else Path(annotations))
    pictures = pictures_in(Path(flags.get("img_path", "test_img")))
    numbers = {picture: _image_id(picture, ids) for picture in pictures}
    out = Path(flags.get("res_path", OUTPUT))
    milliseconds: list[float] = []
    with open_stream(flags) as stream:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_write(out / RESULTS) as file:
            results = JsonListFile(file)
            started = time.perf_counter()
            for picture, objects in objects_of(stream, pictures):
                taken, started = (time.perf_counter() - started) * 1000, time.perf_counter()
                if objects is None:
                    continue
                milliseconds.append(taken)
                for entry in coco_entries(numbers[picture], objects, categories):
                    results.add(entry)
            results.close()
    summary = in_words(milliseconds)
    with atomic_write(out / TIMES) as file:
        file.write(summary + "\n")
    print(f"{summary}\nresults in {out / RESULTS}")
    return DONE if len(milliseconds) == len(pictures) else WRONG_USE


def _image_id(picture: Path, ids: Mapping[str, int] | None) -> int:
    if ids is not None:
        if picture.name not in ids:
            raise UserError(f"{picture}: not in the annotations. Give the pictures that they are of.")
        return ids[picture.name]
    if not (picture.stem.isascii() and picture.stem.isdigit()):
        raise UserError(f"{picture}: the name is no image id. Name the annotations with --annotations_json.")
    return int(picture.stem)


def in_words(milliseconds: list[float]) -> str:
    """Time a picture from the file to the objects, read, sent and answered one after the other."""
    if not milliseconds:
        return "0 pictures done"
    ordered = sorted(milliseconds)
    mean, last = sum(ordered) / len(ordered), len(ordered) - 1
    p50, p95 = (ordered[round(last * share)] for share in (0.5, 0.95))
    return (
        f"{len(ordered)} pictures, mean {mean:.2f} ms, p50 {p50:.2f} ms, p95 {p95:.2f} ms, "
        f"{1000 / mean:.1f} a second"
    )


main = FlagProgram(
    "om_infer_perf_test.py",
    "COCO results and time a picture by a MindX SDK pipeline. Never run on Ascend by us",
    {
        **STREAM_FLAGS,
        "res_path": f"folder for {RESULTS} and {TIMES}, by default {OUTPUT}",
        "annotations_json": "COCO annotations with the ids of the pictures; without them a name is its id",
    },
    _measure,
)
