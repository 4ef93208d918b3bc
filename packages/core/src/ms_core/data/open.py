"""One door to every annotation format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ms_core.data.coco import read_coco
from ms_core.data.config import DetectionDataConfig
from ms_core.data.images import IMAGE_SUFFIXES
from ms_core.data.join import annotation_parts, join_datasets
from ms_core.data.problems import Problems
from ms_core.data.sample import DetectionDataset, Format
from ms_core.data.text import read_text
from ms_core.data.txt import looks_like_txt, read_txt
from ms_core.data.voc import annotation_folder, list_root, read_voc
from ms_core.errors import UserError

Split = Literal["train", "val", "test"]
_READERS = {"coco": read_coco, "voc": read_voc}


def open_dataset(
    path: Path | str,
    *,
    images: Path | str | None = None,
    classes: Sequence[str] | Path | str | None = None,
    numbering: Sequence[str] | Path | str | None = None,
    format: Literal["auto", "coco", "voc", "txt"] = "auto",
    invalid_boxes: Literal["error", "drop"] = "error",
    unknown_classes: Literal["error", "drop"] = "error",
    problems: Problems | None = None,
) -> DetectionDataset:
    """Read annotations; no picture is decoded (image headers are read where the annotation lacks the size).

    Args:
        path: a COCO JSON; a VOC folder (Annotations with JPEGImages or Images, or *.xml beside the images) or
            a list in its ImageSets; a TXT list.
        images: folder that relative image paths start from; None looks beside the annotations.
        classes: names in label order, or a file with one a line; boxes are matched to them by name. None takes
            COCO's categories by id, the TXT list's own names, or VOC's classes.txt or else its names sorted.
        numbering: names that a TXT list numbers from 1, where no classes.txt beside it says so; None takes
            `classes`. The other formats have names themselves.
        format: what `path` is; auto recognises it from its content.
        invalid_boxes: a box of zero size, not finite, or more than 2 pixels outside its image stops the
            reading, or is clipped where that helps and else left out. Up to 2 pixels outside are always
            clipped.
        unknown_classes: a box of another class stops the reading, or is left out.
        problems: where faults go instead; `data check` collects them.

    Returns:
        The dataset; `dropped`, `clipped` and `notes` say what was left out or changed.

    Raises:
        UserError: nothing there, wrong format, or a faulty entry, named.
    """
    source = Path(path)
    kind = recognise_format(source) if format == "auto" else format
    if format != "auto" and not source.exists():
        raise UserError(f"{source}: no such file or folder; looked at {source.absolute()}.")
    if source.is_dir() and kind != "voc":
        raise UserError(f"{source}: is a folder, but {kind} annotations are one file.")
    sink = problems or Problems(invalid_boxes=invalid_boxes, unknown_classes=unknown_classes)
    if kind == "txt":
        return read_txt(source, images, classes, sink, numbering)
    return _READERS[kind](source, images, classes, sink)


def open_split(
    config: DetectionDataConfig,
    split: Split,
    classes: Sequence[str] | None = None,
    problems: Problems | None = None,
) -> DetectionDataset:
    """Open one of the splits that a configuration names.

    The configuration's `classes` are the label order, and what a TXT list without classes.txt numbers.

    Args:
        classes: names in label order that take the first of these two places, for example those of a trained
            network or of the training set.
        problems: as for `open_dataset`.

    Raises:
        UserError: the configuration does not name this split; else as `open_dataset`.
    """
    path = getattr(config, split)
    if path is None:
        raise UserError(f"no {split} data. Pass --data.{split} PATH (COCO JSON, VOC folder or TXT list).")
    parts = split_parts(config, split)
    if len(parts) > 1:
        return join_datasets([open_split(part, split, classes, problems) for part in parts], path)
    images = config.images if split == "train" else config.val_images or config.images
    return open_dataset(
        path,
        images=images,
        classes=config.classes if classes is None else classes,
        numbering=config.classes,
        format=config.format,
        invalid_boxes=config.invalid_boxes,
        unknown_classes=config.unknown_classes,
        problems=problems,
    )


def split_parts(config: DetectionDataConfig, split: Split) -> list[DetectionDataConfig]:
    """The configuration for each of the sources that a split is made of; each has a cache of its own.

    Raises:
        UserError: nothing between two commas.
    """
    parts = annotation_parts(getattr(config, split))
    if len(parts) < 2:
        return [config]
    caches = [
        None if config.cache is None else str(Path(config.cache) / f"part{n + 1}") for n in range(len(parts))
    ]
    return [
        replace(config, cache=cache, **{split: part})  # type: ignore[arg-type]
        for part, cache in zip(parts, caches, strict=True)
    ]


def recognise_format(path: Path) -> Format:
    """The format, from the content.

    Raises:
        UserError: nothing there (the absolute path is named), or nothing that is known.
    """
    if path.is_dir():
        return _recognise_folder(path)
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; looked at {path.absolute()}.")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise UserError(
            f"{path}: an image, where annotations were expected (COCO JSON, VOC folder or TXT list)."
        )
    if path.suffix.lower() == ".xml":
        raise UserError(f"{path}: one VOC annotation. Pass the folder it lies in: {path.absolute().parent}.")
    return _recognise_text(path, read_text(path, "annotations (COCO JSON, TXT list or ImageSets list)"))


def _recognise_folder(path: Path) -> Format:
    """A folder is VOC, unless a COCO file in it shows that the wrong thing was passed."""
    files = sorted([*path.glob("*.json"), *path.glob("annotations/*.json")])
    if annotation_folder(path) is None and files:
        named = ", ".join(str(file) for file in files[:4])
        raise UserError(f"{path}: a folder without VOC annotations. Pass one of its COCO files: {named}.")
    return "voc"


def _recognise_text(path: Path, text: str) -> Format:
    """COCO starts with a bracket, TXT has boxes or image names, an ImageSets list names in a VOC tree."""
    if text.lstrip()[0] in "{[":
        return "coco"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(looks_like_txt(line) for line in lines):
        return "txt"
    if list_root(path) is not None:
        return "voc"
    if any(line.lower().endswith(IMAGE_SUFFIXES) for line in lines):
        return "txt"
    if path.suffix.lower() == ".json":
        return "coco"  # its reader says at which column the file stops being JSON
    raise UserError(
        f"{path}: neither COCO JSON nor a TXT list (`image.jpg x0,y0,x1,y1,class ...`) nor an ImageSets list "
        f"of a VOC folder; it starts with '{lines[0][:40]}'. Say what it is with --data.format."
    )
