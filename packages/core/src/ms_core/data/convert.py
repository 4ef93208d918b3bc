"""Writing a dataset in another annotation format."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ms_core.atomic import atomic_write
from ms_core.cli import refuse_overwrite
from ms_core.data.classes import CLASSES_FILE, load_classes
from ms_core.data.images import SIZE_TOLERANCE, image_size
from ms_core.data.sample import DetectionDataset, Format, Sample
from ms_core.data.txt import format_line
from ms_core.data.voc_write import write_voc
from ms_core.errors import UserError


@dataclass(frozen=True)
class Converted:
    """What was written."""

    path: Path
    images: int
    boxes: int
    notes: tuple[str, ...]
    """One line for each thing that the new format cannot hold."""


def convert_dataset(
    dataset: DetectionDataset,
    out: Path | str,
    *,
    to: Format,
    images: Path | str | None = None,
    invalid_boxes: Literal["error", "drop"] = "error",
    overwrite: bool = False,
) -> Converted:
    """Write annotations in another format; the result is whole or not there.

    COCO and TXT become one file that names the images where they are, relative to `images` if given, else to
    the file's own folder, so that opening it needs the same `images` or nothing. VOC becomes a folder with
    copies of the images. TXT and VOC keep the classes in a classes.txt; they have no crowd flag, so crowd
    boxes are left out.

    Args:
        out: the JSON or TXT file, or the VOC folder.
        images: folder that image paths in the new file start from.
        invalid_boxes: a box that VOC cannot hold (it counts whole pixels, so one at most a pixel wide reads
            as empty) stops the conversion, or is left out.
        overwrite: replace what is there.

    Raises:
        UserError: something is there already, or an entry cannot be written in this format.
    """
    target = Path(out)
    base = Path(images) if images is not None else target.parent
    kept, notes = (dataset, ()) if to == "coco" else _without_crowd(dataset, to)
    if to == "voc":
        kept, more = _wide_enough(kept, invalid_boxes)
        notes += more
        write_voc(kept, target, overwrite)
    elif to == "txt":
        write_txt(kept, target, base, overwrite)
    else:
        write_coco(kept, target, base, overwrite)
    return Converted(target, len(kept), kept.box_count, notes)


def write_coco(
    dataset: DetectionDataset, out: Path, base: Path, overwrite: bool, *, description: str | None = None
) -> None:
    """One COCO JSON; image and category ids stay, annotations are numbered anew.

    Args:
        dataset: what is written.
        out: file; its folder is made.
        base: folder that image paths in the file start from.
        overwrite: replace a file that is there.
        description: for the file's info; None: no info.

    Raises:
        UserError: a file is there already, or the system refuses to write.
    """
    refuse_overwrite([out], overwrite)
    out.parent.mkdir(parents=True, exist_ok=True)
    content = dataset.to_coco()
    if description is not None:
        content["info"] = {"description": description}
    for image, sample in zip(content["images"], dataset.samples, strict=True):
        image["file_name"] = relative_name(sample.path, base)
    with atomic_write(out) as file:
        json.dump(content, file, ensure_ascii=False)


def write_txt(dataset: DetectionDataset, out: Path, base: Path, overwrite: bool) -> None:
    """One TXT list, and classes.txt beside it."""
    refuse_overwrite([out], overwrite)
    for sample in dataset.samples:
        _refuse_unturned(sample, dataset.source)
    lines = [
        format_line(relative_name(sample.path, base), sample.boxes, sample.labels)
        for sample in dataset.samples
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    _write_classes(dataset.classes, out.parent / CLASSES_FILE, overwrite)
    with atomic_write(out) as file:
        file.writelines(f"{line}\n" for line in lines)


def _refuse_unturned(sample: Sample, source: Path) -> None:
    """TXT does not hold the size by which `read_image` knows that boxes belong to the picture as stored."""
    width, height = image_size(sample.path)
    if max(abs(width - sample.width), abs(height - sample.height)) > SIZE_TOLERANCE:
        raise UserError(
            f"{source}: image {sample.id}: {sample.path.name} is {width}x{height} when shown, but annotated "
            f"as {sample.width}x{sample.height}, which a TXT list cannot say. Convert to COCO or VOC."
        )


def relative_name(path: Path, base: Path) -> str:
    """The image's path from `base`, with forward slashes; absolute where it is on another Windows drive."""
    try:
        return Path(os.path.relpath(path.absolute(), base.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def _write_classes(classes: tuple[str, ...], path: Path, overwrite: bool) -> None:
    """Write the names, unless the file has them already: the lists of one folder share it."""
    if path.exists() and not overwrite:
        if load_classes(path).names == classes:
            return
        raise UserError(
            f"{path}: is there with other classes, by which the lists beside it are numbered. Pass "
            f"--data.classes {path} to number by it, or --overwrite."
        )
    with atomic_write(path) as file:
        file.writelines(f"{name}\n" for name in classes)


def _without_crowd(dataset: DetectionDataset, to: str) -> tuple[DetectionDataset, tuple[str, ...]]:
    """The dataset without what TXT and VOC cannot say."""
    notes: tuple[str, ...] = ()
    crowd = sum(int(sample.crowd.sum()) for sample in dataset.samples)
    if crowd:
        notes += (f"{crowd} crowd boxes left out: {to} has no flag for them",)
        dataset = replace(dataset, samples=tuple(sample.select(~sample.crowd) for sample in dataset.samples))
    difficult = sum(int(sample.difficult.sum()) for sample in dataset.samples)
    if difficult and to == "txt":
        notes += (f"{difficult} boxes marked difficult become ordinary ones: txt has no flag for them",)
    return dataset, notes


def _wide_enough(
    dataset: DetectionDataset, invalid_boxes: Literal["error", "drop"]
) -> tuple[DetectionDataset, tuple[str, ...]]:
    """The dataset without boxes at most one pixel wide or high."""
    samples: list[Sample] = []
    for sample in dataset.samples:
        wide = (np.round(sample.boxes[:, 2:] - sample.boxes[:, :2], 3) > 1).all(axis=1)
        if not wide.all() and invalid_boxes == "error":
            box = sample.boxes[int(np.argmin(wide))].round(3).tolist()
            raise UserError(
                f"{dataset.source}: image {sample.id}: box {box} is at most one pixel wide or high, which "
                "VOC counts as empty. Fix it, or pass --data.invalid-boxes drop."
            )
        samples.append(sample.select(wide))
    dropped = dataset.box_count - sum(len(sample.labels) for sample in samples)
    notes = (f"{dropped} boxes at most one pixel wide or high left out",) if dropped else ()
    return replace(dataset, samples=tuple(samples)), notes
