"""How large a picture is shown to the network: the short side is given, the long side has a limit."""

from __future__ import annotations

import mmcv
import numpy as np

Size = tuple[int, int]
"""(height, width), pixels."""


def size_of(image: np.ndarray) -> Size:
    """(height, width) of a picture [H, W, 3]."""
    return image.shape[0], image.shape[1]


def fitted_size(size: Size, short_side: int, max_side: int) -> Size:
    """The size at which the short side is `short_side`, or the long side `max_side` where it would be longer.

    The aspect ratio is kept, halves are rounded up. The original rounds its factor twice where the long side decides,
    which gives another size, by one pixel, to 5 of 100,000 pictures.

    Args:
        size: (height, width) of the picture, pixels.
        short_side: pixels.
        max_side: pixels, at least `short_side`.

    Returns:
        (height, width), each at least 1.
    """
    width, height = mmcv.rescale_size((size[1], size[0]), (max_side, short_side))
    return max(height, 1), max(width, 1)


def resize_image(image: np.ndarray, size: Size) -> np.ndarray:
    """uint8 [H, W, 3] at `size`, bilinear; a new array.

    By Pillow, as the original: where a picture shrinks it averages over all pixels, OpenCV's bilinear leaves most out.
    """
    return mmcv.imresize(image, (size[1], size[0]), interpolation="bilinear", backend="pillow")


def box_scale(size: Size, new_size: Size) -> tuple[float, float]:
    """What x and y of a box of a picture of `size` are multiplied by when it becomes `new_size`: (across, down).

    Rounding makes them differ, by up to half a pixel over the whole side.
    """
    return new_size[1] / size[1], new_size[0] / size[0]
