"""What the outputs of an exported segmentation network say: the class of every pixel of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ms_core.segmentation.planes import largest, whole_planes

Size = tuple[int, int]
"""(height, width), pixels."""


@dataclass(frozen=True, eq=False)
class SeenClasses:
    """A class map that a graph of form classes made, at the size of the model's input."""

    size: Size
    """(height, width) of the picture itself."""
    map: np.ndarray
    """int32 [h, w]."""

    def classes(self, size: Size | None = None) -> np.ndarray:
        """Class of every pixel at `size`, by default the picture's: uint8 [H, W]; the nearest, where it is another than
        the map's.
        """
        return nearest(self.map.astype(np.uint8), size or self.size)


@dataclass(frozen=True, eq=False)
class SeenLogits:
    """Logits of a whole picture."""

    size: Size
    """(height, width) of the picture itself."""
    values: np.ndarray
    """float32 [K, h, w]."""

    def classes(self, size: Size | None = None) -> np.ndarray:
        """Class of every pixel at `size`, by default the picture's: uint8 [H, W], the largest of enlarged logits."""
        return largest(whole_planes(self.values, size or self.size))


def seen(outputs: Sequence[np.ndarray], size: Size) -> SeenClasses | SeenLogits:
    """The one output of a picture, without a batch axis: logits float32 [K, h, w], or classes int32 [h, w].

    Args:
        size: (height, width) of the picture.

    Raises:
        ValueError: neither of the two.
    """
    if len(outputs) != 1 or outputs[0].ndim not in (2, 3):
        shapes = ", ".join(str(list(output.shape)) for output in outputs)
        raise ValueError(f"outputs {shapes}: neither logits [K, h, w] nor a class map [h, w].")
    (output,) = outputs
    return SeenLogits(size, output) if output.ndim == 3 else SeenClasses(size, output)


def nearest(classes: np.ndarray, size: Size) -> np.ndarray:
    """uint8 [h, w] at `size` = (height, width)."""
    if classes.shape == size:
        return classes
    return cv2.resize(classes, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)


def require_classes(output: np.ndarray, count: int) -> None:
    """
    Raises:
        ValueError: logits, or a class map, of more or other classes.
    """
    if output.ndim == 3 and len(output) != count:
        raise ValueError(
            f"logits of {len(output)} classes, but there are {count}. Name the network's classes."
        )
    if output.ndim == 2 and output.size and not 0 <= output.min() <= output.max() < count:
        raise ValueError(
            f"class {output.max()} in the map, but there are {count}. Name the network's classes."
        )
