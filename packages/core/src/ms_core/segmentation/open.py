"""One door to every layout of pictures and masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from ms_core.data.problems import Problems
from ms_core.errors import UserError
from ms_core.segmentation import cityscapes_labels
from ms_core.segmentation.cityscapes import LabelKind, has_pictures, is_cityscapes, pair_cityscapes
from ms_core.segmentation.classes import MaskClasses, load_mask_classes
from ms_core.segmentation.coding import MaskCoding, cityscapes_coding, colour_coding, index_coding
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.layouts import class_places, image_place, mask_place, split_mask_place
from ms_core.segmentation.lists import pair_list
from ms_core.segmentation.masks import read_mask
from ms_core.segmentation.pairing import Pairs, pair_folders
from ms_core.segmentation.sample import SegmentationDataset

Split = Literal["train", "val", "test"]

CLASSES_FILES = ("classes.txt", "class_dict.csv", "label_colors.txt")
"""Read where one lies in `data.root` or beside the folder of pictures, and the configuration names no classes."""
_LOOKED_AT = 8
"""Masks whose values a message shows."""


def has_split(config: SegmentationDataConfig, split: Split) -> bool:
    """Whether the configuration names this split, or its root has a place for it.

    Raises:
        UserError: the root is no folder.
    """
    if getattr(config, split) is not None:
        return True
    if config.root is None:
        return False
    root = _root(config)
    return has_pictures(root, split) if _is_cityscapes(config) else image_place(root, split) is not None


def open_split(
    config: SegmentationDataConfig,
    split: Split,
    classes: Sequence[str] | None = None,
    problems: Problems | None = None,
) -> SegmentationDataset:
    """Find the pictures and masks of a split; none is decoded.

    Args:
        config: the configuration's own folder for the split comes before its root.
        classes: names in label order that labels are to have, those of a trained network for example. Where the
            data name classes themselves, labels are renumbered by name.
        problems: where pictures without a mask go; `data check` collects them.

    Returns:
        Samples in an order that does not depend on the system.

    Raises:
        UserError: the split is not there, is empty, lacks masks, or its classes are not known or are not `classes`.
    """
    sink = problems or Problems()
    if getattr(config, split) is None and config.root is not None and _is_cityscapes(config):
        return _open_cityscapes(config, split, classes, sink)
    place = _image_place(config, split)
    pairs = _pair(config, split, place, sink)
    known, note = _known_classes(config, place)
    if known is None and classes is None:
        raise UserError(_no_classes(place, pairs, config))
    numbering = known if known is not None else load_mask_classes(tuple(classes or ()))
    coding = colour_coding(numbering, ignore=config.ignore, reduce_zero_label=config.reduce_zero_label)
    wanted = numbering if classes is None else numbering.named(classes)
    return SegmentationDataset(
        samples=pairs.samples,
        classes=wanted.names,
        palette=wanted.palette,
        source=place,
        notes=(*pairs.notes, note) if note else pairs.notes,
        coding=_renumbered(coding, numbering, wanted, place),
        mask_kind=config.masks,
    )


def _open_cityscapes(
    config: SegmentationDataConfig, split: Split, classes: Sequence[str] | None, problems: Problems
) -> SegmentationDataset:
    root = _root(config)
    if not has_pictures(root, split):
        raise UserError(f"{root / 'leftImg8bit' / split}: no such folder, so there is no {split} data.")
    if config.reduce_zero_label:
        raise UserError(
            "data.reduce_zero_label: is not for the Cityscapes layout, whose class 0 is the road."
        )
    found = pair_cityscapes(root, split, config.labels, problems)
    numbering, coding = _cityscapes_classes(config, found.labels)
    wanted = numbering if classes is None else numbering.named(classes)
    return SegmentationDataset(
        samples=found.pairs.samples,
        classes=wanted.names,
        palette=wanted.palette,
        source=root / "leftImg8bit" / split,
        notes=found.pairs.notes,
        format="cityscapes",
        coding=_renumbered(coding, numbering, wanted, root),
        mask_kind="index",
    )


def _cityscapes_classes(config: SegmentationDataConfig, labels: LabelKind) -> tuple[MaskClasses, MaskCoding]:
    """The 19 classes, under the user's names where there are some; or classes of the user's own.

    Files of labelTrainIds hold numbers of classes, so they may be those of any classes; ids of labels mean Cityscapes'.
    """
    cityscapes = MaskClasses(cityscapes_labels.CLASSES, cityscapes_labels.PALETTE)
    coding = cityscapes_coding(labels == "labelIds", ignore=config.ignore)
    if config.classes is None:
        return cityscapes, coding
    own, usual = load_mask_classes(config.classes), len(cityscapes.names)
    count = len(own.names)
    if count == usual:
        return own if own.coloured else MaskClasses(own.names, cityscapes.palette), coding
    if labels == "labelIds":
        raise UserError(
            f"data.classes: {count} names, but the label images of {config.root} are labelIds, which mean the {usual} "
            f"classes of Cityscapes. Name {usual} or none, or write *_labelTrainIds.png with the values 0-{count - 1}."
        )
    return own, index_coding(count, ignore=config.ignore)


def _is_cityscapes(config: SegmentationDataConfig) -> bool:
    """Whether the root is read as Cityscapes."""
    root = _root(config)
    if config.format != "cityscapes":
        return config.format == "auto" and is_cityscapes(root)
    if not is_cityscapes(root):
        raise UserError(
            f"{root}: no folder leftImg8bit in it. Pass the folder that holds leftImg8bit and gtFine."
        )
    return True


def _root(config: SegmentationDataConfig) -> Path:
    root = Path(str(config.root))
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; looked for the data at {root.absolute()}.")
    if root.name == "leftImg8bit":
        raise UserError(
            f"{root}: pass the folder above it, which holds gtFine too: {root.absolute().parent}."
        )
    return root


def _image_place(config: SegmentationDataConfig, split: Split) -> Path:
    """Folder or list of the pictures of a split."""
    own = getattr(config, split)
    if own is not None:
        if not Path(own).exists():
            raise UserError(
                f"{own}: no such folder or list; looked for the {split} pictures at {Path(own).absolute()}."
            )
        return Path(own)
    if config.root is None:
        raise UserError(
            f"no {split} data. Pass --data.root FOLDER, or --data.{split} FOLDER with the pictures."
        )
    place = image_place(_root(config), split)
    if place is None:
        raise UserError(
            f"{config.root}: no {split} pictures (looked for leftImg8bit/{split}, images/{split}, img_dir/{split}, "
            f"{split}/images, {split} and {split}.txt). Name their folder with --data.{split}."
        )
    return place


def _pair(config: SegmentationDataConfig, split: Split, place: Path, problems: Problems) -> Pairs:
    """The pictures of a place with their masks."""
    option = f"--data.{split}-masks"
    masks = getattr(config, f"{split}_masks")
    masks = Path(masks) if masks is not None else None
    if place.is_file():
        below = config.root if config.root is not None else place.absolute().parent
        return pair_list(place, below, masks or split_mask_place(Path(below), split), option, problems)
    if masks is None:
        masks = mask_place(place, option)
    if masks is None and split != "test":
        raise UserError(
            f"{place}: no folder of masks beside it (looked for {place.name}annot, masks/{place.name} and the like). "
            f"Name it with {option}."
        )
    return pair_folders(place, masks, problems)


def _known_classes(config: SegmentationDataConfig, place: Path) -> tuple[MaskClasses | None, str]:
    """The classes that the configuration names, or a file beside the data, and then a note that says so."""
    if config.classes is not None:
        return load_mask_classes(config.classes), ""
    folders = [Path(config.root)] if config.root is not None else class_places(place)
    file = next(
        (folder / name for folder in folders for name in CLASSES_FILES if (folder / name).is_file()), None
    )
    if file is None:
        return None, ""
    return load_mask_classes(file), f"classes are those of {file}"


def _renumbered(coding: MaskCoding, numbering: MaskClasses, wanted: MaskClasses, where: Path) -> MaskCoding:
    """The coding with labels in the order of the wanted classes.

    Raises:
        UserError: the data have a class that is not wanted.
    """
    if wanted.names == numbering.names:
        return coding
    absent = [name for name in numbering.names if name not in wanted.names]
    if absent:
        shown = f"{', '.join(wanted.names[:6])}{', ...' if len(wanted.names) > 6 else ''}"
        raise UserError(
            f"{where}: {len(numbering.names)} classes, but {len(wanted.names)} are expected; '{absent[0]}' is not one "
            f"of them ({shown}). Use data and a network of the same classes."
        )
    return coding.numbered([wanted.names.index(name) for name in numbering.names])


def _no_classes(place: Path, pairs: Pairs, config: SegmentationDataConfig) -> str:
    """How many classes there are cannot be seen in the masks, but what they hold helps the user."""
    masks = [sample.mask for sample in pairs.samples if sample.mask is not None]
    chosen = masks[:: max(1, len(masks) // _LOOKED_AT)][:_LOOKED_AT]
    looked_at = [read_mask(path, config.masks) for path in chosen]
    hint, lines = "", "a name a line, in the order of the mask values"
    if any(mask.ndim == 3 for mask in looked_at):
        hint, lines = f" {len(looked_at)} of its masks are coloured.", "`name r g b` a line"
    elif looked_at:
        values = sorted({value for mask in looked_at for value in np.unique(mask).tolist()})
        hint = f" {len(looked_at)} of its masks hold the values {', '.join(map(str, values[:40]))}."
    return f"{place}: its classes are not known.{hint} Pass --data.classes FILE ({lines}) or --data.classes '[a, b]'."
