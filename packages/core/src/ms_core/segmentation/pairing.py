"""Which mask belongs to which picture: by their names, and never by a guess."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ms_core.data.images import IMAGE_SUFFIXES
from ms_core.data.naming import unique_stems
from ms_core.data.problems import Problems
from ms_core.errors import UserError
from ms_core.segmentation.masks import MASK_SUFFIXES
from ms_core.segmentation.sample import SegmentationSample

MASK_ENDINGS = (
    "_gtFine_labelTrainIds", "_gtFine_labelIds", "_labelTrainIds", "_labelIds", "_segmentation", "_annotation",
    "_labels", "_label", "_masks", "_mask", "_annot", "_seg", "_gt", "_L", "-mask", "-label", "-seg", "-gt",
)  # fmt: skip
"""What masks are called after their picture, besides the same name: the longest that fits is taken off."""
IMAGE_ENDINGS = ("_leftImg8bit", "_image", "_img", "_rgb", "_sat", "-image")
"""What pictures have in its place."""


@dataclass(frozen=True)
class Pairs:
    """Pictures with their masks, in order."""

    samples: tuple[SegmentationSample, ...]
    notes: tuple[str, ...] = ()


def files_below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of these formats in a folder and its subfolders, sorted by their path; hidden ones are left out.

    Raises:
        UserError: no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; looked at {folder.absolute()}.")
    found: list[Path] = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        kept = (name for name in names if name.lower().endswith(tuple(suffixes)) and not name.startswith("."))
        found += [Path(place) / name for name in kept]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def pair_folders(images: Path, masks: Path | None, problems: Problems) -> Pairs:
    """Every picture of a folder with its mask.

    A mask lies in the same subfolder as its picture and has its name, with one of `MASK_ENDINGS` behind it if at all
    (and the picture with one of `IMAGE_ENDINGS`). `masks` may be the pictures' own folder.

    Args:
        masks: None: the pictures have none.
        problems: where pictures without a mask go, or with several.

    Raises:
        UserError: no such folder, no picture, or what `problems` raises.
    """
    pictures = files_below(images, IMAGE_SUFFIXES)
    if masks is not None and masks.resolve() == images.resolve():
        marked = masks_among(pictures)
        pictures, files = [path for path in pictures if path not in marked], sorted(marked)
    else:
        files = files_below(masks, MASK_SUFFIXES) if masks is not None else []
    if not pictures:
        kinds = " ".join(IMAGE_SUFFIXES)
        raise UserError(f"{images}: no pictures in it or its subfolders (looked for {kinds}).")
    if masks is None:
        return Pairs(samples_of(pictures, [None] * len(pictures)))
    if not files:
        raise UserError(
            f"{masks}: no masks in it or its subfolders (looked for {' '.join(MASK_SUFFIXES)}).{_jpegs(masks)}"
        )
    return match(pictures, images, files, masks, problems)


def match(
    pictures: Sequence[Path], images: Path, files: Sequence[Path], masks: Path, problems: Problems
) -> Pairs:
    """Pair pictures with mask files; see `pair_folders`."""
    names = _MaskNames(files, masks, {_key(path, images) for path in pictures})
    kept: list[tuple[Path, Path]] = []
    missing: list[Path] = []
    for path in pictures:
        candidates = names.candidates(_key(path, images))
        if len(candidates) == 1:
            kept.append((path, candidates[0]))
        elif candidates:
            named = ", ".join(file.name for file in candidates)
            what = f"{len(candidates)} masks could be its own: {named}. Leave one of them in {masks}"
            problems.add("mask", str(path), what)
        else:
            missing.append(path)
    refuse_missing(missing, len(pictures), masks, problems)
    unused = len(files) - len({file for _, file in kept})
    notes = (f"{unused} of {len(files)} masks in {masks} belong to no picture",) if unused else ()
    return Pairs(samples_of([path for path, _ in kept], [file for _, file in kept]), notes)


class _MaskNames:
    """The mask files of a folder by their names."""

    def __init__(self, files: Sequence[Path], masks: Path, pictures: set[str]) -> None:
        """`pictures`: names of all pictures; a mask with the very name of one is that one's alone."""
        self._whole: dict[str, list[Path]] = defaultdict(list)
        self._without_ending: dict[str, list[Path]] = defaultdict(list)
        for file in files:
            name = _key(file, masks)
            self._whole[name].append(file)
            if name not in pictures:
                self._without_ending[_trim(name, MASK_ENDINGS)].append(file)

    def candidates(self, picture: str) -> list[Path]:
        """Masks of a picture's name: its own, or with endings of masks and pictures taken off."""
        found = [*self._whole.get(picture, [])]
        for name in (picture, _trim(picture, IMAGE_ENDINGS)):
            found += self._without_ending.get(name, [])
        return list(dict.fromkeys(found))


def refuse_missing(missing: Sequence[Path], of: int, masks: Path, problems: Problems) -> None:
    """Report pictures without a mask; opening stops with the first of them and how many there are."""
    if problems.collect:
        for path in missing:
            problems.add("file", str(path), f"no mask named like it in {masks}")
    elif missing:
        raise UserError(
            f"{missing[0]}: no mask named like it in {masks} ({len(missing)} of {of} pictures have none). Add the "
            "masks, or move these pictures away."
        )


def samples_of(pictures: Sequence[Path], masks: Iterable[Path | None]) -> tuple[SegmentationSample, ...]:
    """Samples with names that differ."""
    return tuple(
        SegmentationSample(image, mask, name)
        for image, mask, name in zip(pictures, masks, unique_stems(pictures), strict=True)
    )


def masks_among(files: Sequence[Path]) -> set[Path]:
    """The masks in a folder of both: named like another file with a mask's ending, or a PNG beside its JPEG."""
    stems = defaultdict(set)
    for path in files:
        stems[path.with_suffix("")].add(path.suffix.lower())
    marked = set()
    for path in files:
        stem = path.with_suffix("")
        bare = Path(_trim(stem.as_posix(), MASK_ENDINGS))
        named = bare != stem and any(Path(f"{bare}{ending}") in stems for ending in ("", *IMAGE_ENDINGS))
        beside = path.suffix.lower() == ".png" and stems[stem] & {".jpg", ".jpeg"}
        if path.suffix.lower() in MASK_SUFFIXES and (named or beside):
            marked.add(path)
    return marked


def _key(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _trim(name: str, endings: Sequence[str]) -> str:
    """The name without the longest of the endings it has."""
    fitting = [ending for ending in endings if name.endswith(ending) and len(name) > len(ending)]
    return name[: -len(max(fitting, key=len))] if fitting else name


def _jpegs(masks: Path) -> str:
    """The end of the message for a folder whose masks were saved as JPEG."""
    if not files_below(masks, (".jpg", ".jpeg")):
        return ""
    return " The JPEG files there cannot be masks: compression changes their values."
