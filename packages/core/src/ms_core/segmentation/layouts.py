"""Where pictures and masks of a split usually lie."""

from __future__ import annotations

from pathlib import Path

from ms_core.data.images import IMAGE_SUFFIXES
from ms_core.errors import UserError
from ms_core.segmentation.pairing import files_below, masks_among

SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""What folders of a split are called."""

_IMAGE_WORDS = ("images", "image", "img_dir", "imgs", "img", "JPEGImages", "pictures")
_MASK_WORDS = (
    "masks", "mask", "labels", "label", "annotations", "annots", "ann_dir", "gt", "segmentation",
    "SegmentationClass",
)  # fmt: skip
_FOLDER_ENDINGS = (
    "annot",
    "_annot",
    "_annotations",
    "_labels",
    "_label",
    "_masks",
    "_mask",
    "_gt",
    "-masks",
    "-labels",
)

LISTS = ("{split}.txt", "splits/{split}.txt", "ImageSets/Segmentation/{split}.txt", "ImageSets/{split}.txt")
"""Where a list of a split's pictures may lie in a root."""


def image_place(root: Path, split: str) -> Path | None:
    """Folder, or else list, with the pictures of a split below `root`; None where there is none.

    Raises:
        UserError: several folders could be meant.
    """
    found: list[Path] = []
    for name in SPLIT_NAMES[split]:
        places = [root / word / name for word in _IMAGE_WORDS]
        places += [root / name / word for word in _IMAGE_WORDS]
        found += [folder for folder in [*places, root / f"{name}_images"] if folder.is_dir()]
        if not found and (root / name).is_dir():
            found = [root / name]
    found = _distinct(found)
    if len(found) > 1:
        named = ", ".join(str(folder) for folder in found)
        raise UserError(
            f"{root}: pictures of {split} could lie in {named}. Name the folder with --data.{split}."
        )
    if found:
        return found[0]
    lists = [root / pattern.format(split=name) for name in SPLIT_NAMES[split] for pattern in LISTS]
    return next((path for path in lists if path.is_file()), None)


def mask_place(images: Path, option: str) -> Path | None:
    """Folder with the masks of a folder of pictures, by the usual names beside it; None where there is none.

    `images` itself, where masks lie among the pictures.

    Args:
        option: what the message tells the user to pass.

    Raises:
        UserError: several folders could be meant.
    """
    found = _distinct([folder for folder in _mask_candidates(images.absolute()) if folder.is_dir()])
    if len(found) > 1:
        named = ", ".join(str(folder) for folder in found)
        raise UserError(f"{images}: its masks could lie in {named}. Name the folder with {option}.")
    if found:
        return found[0]
    return images if masks_among(files_below(images, IMAGE_SUFFIXES)) else None


def split_mask_place(root: Path, split: str) -> Path | None:
    """Folder with the masks of a split's list: one for the split, or one for all; None: none, or several."""
    for names in (SPLIT_NAMES[split], ("",)):
        found = _distinct(
            [root / word / name for word in _MASK_WORDS for name in names if (root / word / name).is_dir()]
        )
        if found:
            return found[0] if len(found) == 1 else None
    return None


def image_words(root: Path) -> list[Path]:
    """Folders below `root` that usually hold pictures, as far as they are there, and `root` itself."""
    return [*(root / word for word in _IMAGE_WORDS if (root / word).is_dir()), root]


def class_places(images: Path) -> list[Path]:
    """Folders in which a file of classes belongs to a folder or list of pictures: beside it, and the set's own."""
    parent = images.absolute().parent
    return [parent, parent.parent] if {images.name, parent.name} & set(_IMAGE_WORDS) else [parent]


def _mask_candidates(images: Path) -> list[Path]:
    """Places, by the name of the pictures' folder: `train` -> `trainannot`, `masks/train`; `images/train` ->
    `masks/train`; `train/images` -> `train/masks`; `train_images` -> `train_masks`.
    """
    name, parent = images.name, images.parent
    if name in _IMAGE_WORDS:
        return [parent / word for word in _MASK_WORDS]
    beside = [parent / f"{name}{ending}" for ending in _FOLDER_ENDINGS]
    if name.endswith("_images"):
        beside += [parent / f"{name.removesuffix('_images')}_{word}" for word in _MASK_WORDS]
    if parent.name in _IMAGE_WORDS:
        return [*beside, *(parent.parent / word / name for word in _MASK_WORDS)]
    return [*beside, *(parent / word / name for word in _MASK_WORDS)]


def _distinct(folders: list[Path]) -> list[Path]:
    """Without those that are one folder by two names, as on systems that do not tell case apart."""
    return list({folder.resolve(): folder for folder in reversed(folders)}.values())[::-1]
