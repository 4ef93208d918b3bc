"""The Cityscapes layout: leftImg8bit/SPLIT/CITY/*_leftImg8bit.png with gtFine/SPLIT/CITY/*_gtFine_labelTrainIds.png."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ms_core.data.images import IMAGE_SUFFIXES
from ms_core.data.problems import Problems
from ms_core.errors import UserError
from ms_core.segmentation.pairing import Pairs, files_below, samples_of

IMAGES = "leftImg8bit"
ANNOTATIONS = ("gtFine", "gtCoarse")
"""Folders of label images; the coarse ones are read where there are no others."""

LabelKind = Literal["labelTrainIds", "labelIds"]


@dataclass(frozen=True)
class CityscapesPairs:
    """The pictures of a split and their label images."""

    pairs: Pairs
    labels: LabelKind


def is_cityscapes(root: Path) -> bool:
    """Whether a folder has this layout."""
    return (root / IMAGES).is_dir()


def has_pictures(root: Path, split: str) -> bool:
    """Whether a folder in this layout has a folder for a split."""
    return (root / IMAGES / split).is_dir()


def pair_cityscapes(
    root: Path, split: str, labels: Literal["auto", "labelTrainIds", "labelIds"], problems: Problems
) -> CityscapesPairs:
    """Pictures, sorted by city and name, with their label images.

    Args:
        labels: which label images; auto: training ids where they lie beside every picture, else label ids.
        problems: where pictures without a label image go.

    Raises:
        UserError: no such folder, no pictures, neither kind of label images for all of them (except in `test`, which
            may have none).
    """
    folder = root / IMAGES / split
    pictures = files_below(folder, IMAGE_SUFFIXES)
    if not pictures:
        raise UserError(f"{folder}: no pictures (Cityscapes has them as CITY/*_{IMAGES}.png).")
    annotations = next((name for name in ANNOTATIONS if (root / name / split).is_dir()), None)
    if annotations is None:
        if split == "test":
            return CityscapesPairs(Pairs(samples_of(pictures, [None] * len(pictures))), "labelTrainIds")
        raise UserError(
            f"{root / ANNOTATIONS[0] / split}: no such folder; the label images of {folder} belong there."
        )
    notes = ("label images are the coarse ones (gtCoarse)",) if annotations == ANNOTATIONS[1] else ()
    kind = _kind(root, annotations, pictures) if labels == "auto" else labels
    masks = [_mask(root, annotations, picture, kind) for picture in pictures]
    there = [mask.is_file() for mask in masks]
    missing = [mask for mask, is_there in zip(masks, there, strict=True) if not is_there]
    _refuse_missing(missing, root, labels, len(pictures), problems)
    kept = [pair for pair, is_there in zip(zip(pictures, masks, strict=True), there, strict=True) if is_there]
    return CityscapesPairs(Pairs(samples_of([p for p, _ in kept], [m for _, m in kept]), notes), kind)


def _kind(root: Path, annotations: str, pictures: Sequence[Path]) -> LabelKind:
    """Training ids, unless only label ids are complete."""
    complete = {
        kind: all(_mask(root, annotations, picture, kind).is_file() for picture in pictures)
        for kind in ("labelTrainIds", "labelIds")
    }
    return "labelIds" if complete["labelIds"] and not complete["labelTrainIds"] else "labelTrainIds"


def _mask(root: Path, annotations: str, picture: Path, kind: str) -> Path:
    """Where the label image of a picture belongs."""
    inner = picture.relative_to(root / IMAGES)
    stem = inner.stem.removesuffix(f"_{IMAGES}")
    return root / annotations / inner.with_name(f"{stem}_{annotations}_{kind}.png")


def _refuse_missing(missing: Sequence[Path], root: Path, labels: str, of: int, problems: Problems) -> None:
    if not missing or problems.collect:
        for mask in missing:
            problems.add("file", str(mask), "no such file, but its picture is there")
        return
    other = "" if labels == "auto" else " or pass --data.labels auto,"
    raise UserError(
        f"{missing[0]}: no such file ({len(missing)} of {of} pictures have none). Write them from the polygons with "
        f"`data convert cityscapes --data.root {root}`,{other} or move these pictures away."
    )
