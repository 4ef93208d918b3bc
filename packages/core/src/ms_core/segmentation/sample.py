"""Pictures with a class for every pixel: the records that training, evaluation and drawing read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ms_core.data.images import possible_sizes, read_image
from ms_core.errors import UserError
from ms_core.segmentation.coding import IGNORE, MaskCoding, index_coding
from ms_core.segmentation.masks import MaskKind, mask_size, read_mask

SMALLEST_SIDE = 32
"""Pixels: the stride of the networks' last stage; a smaller picture gives it nothing."""

Format = Literal["cityscapes", "folders"]


@dataclass(frozen=True)
class SegmentationSample:
    """One picture and where its mask lies."""

    image: Path
    mask: Path | None
    """None in a test set without masks."""
    name: str
    """Short, and unlike the name of any other sample of the set; good as part of a file name."""


@dataclass(frozen=True, eq=False)
class SegmentationDataset:
    """One split; reads from several threads at once."""

    samples: tuple[SegmentationSample, ...]
    classes: tuple[str, ...]
    """K names in label order."""
    palette: np.ndarray
    """uint8 [K, 3] RGB."""
    source: Path
    """Folder or list that was opened."""
    notes: tuple[str, ...] = ()
    """One-line remarks for the user: what was assumed or left aside."""
    format: Format = "folders"
    coding: MaskCoding | None = None
    """What the values of the masks mean; None: they are the labels, and 255 counts nowhere."""
    mask_kind: MaskKind = "auto"

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def has_masks(self) -> bool:
        """Whether every picture has a mask, as evaluation needs."""
        return all(sample.mask is not None for sample in self.samples)

    def read_image(self, index: int) -> np.ndarray:
        """The picture, upright unless its mask fits only the picture as stored (some tools ignore EXIF).

        Returns:
            uint8 [H, W, 3] RGB.

        Raises:
            UserError: missing or damaged.
        """
        sample = self.samples[index]
        sizes = possible_sizes(sample.image) if sample.mask is not None else set()
        if len(sizes) > 1 and sample.mask is not None:
            size = mask_size(sample.mask)
            if size in sizes:
                return read_image(sample.image, size)
        return read_image(sample.image)

    def read_label(self, index: int) -> np.ndarray:
        """The label of every pixel.

        Returns:
            uint8 [H, W], as large as the picture: classes 0 to K-1, and 255 (`IGNORE`) where nothing counts.

        Raises:
            UserError: there is no mask, it is damaged, of another size than its picture, or holds a value that is no
                class (named, with its number of pixels).
        """
        sample = self.samples[index]
        if sample.mask is None:
            raise UserError(
                f"{sample.image}: has no mask. Pass --data.*-masks FOLDER, where masks of this split lie."
            )
        mask = read_mask(sample.mask, self.mask_kind)
        require_size(sample, (mask.shape[1], mask.shape[0]), possible_sizes(sample.image))
        return self.mask_coding.labels(mask, sample.mask)

    @property
    def mask_coding(self) -> MaskCoding:
        """What the values of the masks mean."""
        return index_coding(len(self.classes), ignore=IGNORE) if self.coding is None else self.coding


def require_size(sample: SegmentationSample, size: tuple[int, int], picture: set[tuple[int, int]]) -> None:
    """Refuse a mask of another size than its picture.

    Args:
        size: (width, height) of the mask, pixels.
        picture: of the picture; two, where EXIF turns it.

    Raises:
        UserError: names both files and sizes.
    """
    if size not in picture:
        real = " or ".join(f"{width}x{height}" for width, height in sorted(picture))
        raise UserError(
            f"{sample.mask}: the mask is {size[0]}x{size[1]} pixels, but its picture {sample.image} is {real}. Use the "
            "mask that belongs to the picture, or resize it with nearest neighbours."
        )
