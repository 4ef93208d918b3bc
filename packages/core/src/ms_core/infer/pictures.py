"""From a picture to the input of an exported model, as its manifest states it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ms_core.data.network_input import look_up, resize_image
from ms_core.export.manifest import ImageInput

Size = tuple[int, int]
"""(height, width), pixels."""
Resize = Callable[[np.ndarray, Size], np.ndarray]
"""uint8 [H, W, 3] at another size, bilinear."""


@dataclass(frozen=True)
class PictureInput:
    """Makes rows of the first input.

    A package whose own preprocessing rounds in another way hands over its own parts, so that an exported model sees the
    same bits as the trained network.
    """

    spec: ImageInput
    """What the manifest says."""
    resize: Resize = resize_image
    """By OpenCV, or as the package resizes."""
    levels: np.ndarray | None = None
    """float32 [3, 256], what each value of red, green and blue becomes; None: (value - mean) / std of the manifest."""

    def place(self, size: Size) -> Size:
        """(height, width) that a picture of `size` has inside the input."""
        return fitted_size(size, self.spec.size) if self.spec.resize == "fit" else self.spec.size

    def of(self, image: np.ndarray) -> np.ndarray:
        """The row of a picture.

        Args:
            image: uint8 [h, w, 3] RGB.

        Returns:
            float32 [3, H, W] normalised, or uint8 [H, W, 3] where the graph normalises; what a fitted picture leaves
            free is 0.
        """
        return self.of_resized(self.resized(image))

    def resized(self, image: np.ndarray) -> np.ndarray:
        """uint8 [h, w, 3] -> uint8 of the size it has inside the input; the same array where it has it already."""
        size = (image.shape[0], image.shape[1])
        return image if self.place(size) == size else self.resize(image, self.place(size))

    def of_resized(self, image: np.ndarray) -> np.ndarray:
        """`of` for a picture, uint8 [h, w, 3] RGB, that is no larger than the input and goes top left into it."""
        height, width = image.shape[:2]
        row = self.empty()
        if self.spec.normalised_inside:
            row[:height, :width] = image if self.spec.channels == "RGB" else image[..., ::-1]
            return row
        planes = row if self.spec.channels == "RGB" else row[::-1]
        look_up(image, self._levels, out=planes[:, :height, :width])
        return row

    def mirrored(self, row: np.ndarray) -> np.ndarray:
        """A row left to right."""
        return row[:, ::-1] if self.spec.layout == "NHWC" else row[..., ::-1]

    def empty(self) -> np.ndarray:
        """A row of zeros."""
        height, width = self.spec.size
        shape = (height, width, 3) if self.spec.layout == "NHWC" else (3, height, width)
        return np.zeros(shape, self.spec.dtype)

    @cached_property
    def _levels(self) -> np.ndarray:
        """float32 [3, 256] for red, green, blue; divided in float64, as in training."""
        if self.levels is not None:
            return self.levels
        order = slice(None) if self.spec.channels == "RGB" else slice(None, None, -1)
        mean, std = (np.array(v)[order, None] for v in (self.spec.mean, self.spec.std))
        return ((np.arange(256) - mean) / std).astype(np.float32)


def fitted_size(size: Size, bounds: Size) -> Size:
    """The largest (height, width) of the proportions of `size` inside `bounds`, at least 1 pixel a side."""
    factor = min(bound / side for side, bound in zip(size, bounds, strict=True))
    height, width = (
        max(1, min(round(side * factor), bound)) for side, bound in zip(size, bounds, strict=True)
    )
    return height, width
