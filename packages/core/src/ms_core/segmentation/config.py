"""Where pictures and their masks are: the `data` section of segmentation commands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class SegmentationDataConfig:
    root: Path | None = None
    """A Cityscapes folder (leftImg8bit and gtFine), or a folder with pictures and masks of the splits train, val and
    test in one of the usual layouts; instead of the folders below."""
    train: Path | None = None
    """Folder of training pictures, or a text file with one picture a line (a second word names its mask)."""
    train_masks: Path | None = None
    """Folder of their masks; null looks for the usual names beside `train`."""
    val: Path | None = None
    """Validation pictures, likewise."""
    val_masks: Path | None = None
    """Their masks."""
    test: Path | None = None
    """Test pictures, likewise."""
    test_masks: Path | None = None
    """Their masks."""
    format: Literal["auto", "cityscapes", "folders"] = "auto"
    """Kind of the data; auto recognises it by the folders."""
    labels: Literal["auto", "labelTrainIds", "labelIds"] = "auto"
    """Cityscapes: which label files are read; labelIds are mapped to training ids while reading; auto takes
    labelTrainIds where they lie beside every picture."""
    classes: str | tuple[str, ...] | None = None
    """File with a class a line (`name` or `name r g b`, the colour 0-255; a line `ignore r g b` is a colour that counts
    nowhere), or [the, names], in label order; null looks for classes.txt in the root or beside the pictures. Cityscapes
    needs none; another number than its 19 goes with labelTrainIds alone."""
    masks: Literal["auto", "index", "colour"] = "auto"
    """What mask files hold: values (palette files: their indices), or colours of the classes; auto goes by the file: a
    coloured one holds colours. "colour" also reads grey and palette files by their colours."""
    ignore: int = 255
    """Mask value of pixels that count nowhere, 0-255."""
    reduce_zero_label: bool = False
    """Mask value 0 means "ignore" and class 0 is written as 1 (ADE20K does so)."""
    workers: int = 0
    """Threads with which `data check` reads, >= 0; 0 takes one a core, at most 8. Training and evaluation read with
    `train.workers`."""

    def __post_init__(self) -> None:
        if not 0 <= self.ignore <= 255:
            raise ValueError(f"ignore: {self.ignore} is not within 0-255.")


def root_before_folders(config: SegmentationDataConfig, given: Collection[str]) -> SegmentationDataConfig:
    """Forget folders of splits that are older than the root: a root on the command line means what lies in it.

    Args:
        config: of a stored configuration and the options of the command line.
        given: keys that the command line set, such as "data.root".
    """
    if config.root is None or "data.root" not in given:
        return config
    places = [name for split in ("train", "val", "test") for name in (split, f"{split}_masks")]
    older: dict[str, Any] = {name: None for name in places if f"data.{name}" not in given}
    return replace(config, **older)
