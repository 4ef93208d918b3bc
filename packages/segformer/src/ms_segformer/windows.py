"""Where the windows of a sliding look at a picture lie, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ms_core.segmentation.planes import enlarge

from ms_segformer.config import Size


@dataclass(frozen=True)
class Window:
    """Part of a picture, pixels; `bottom` and `right` are not in it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def place(self) -> tuple[slice, slice]:
        """(rows, columns) to index a map with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> Size:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left


def whole_picture(size: Size) -> list[Window]:
    """One window that is the picture."""
    return [Window(0, 0, *size)]


def sliding_windows(size: Size, crop: Size, stride: Size) -> list[Window]:
    """Windows row by row that cover a picture; one that would reach over its border is moved back inside.

    Args:
        size: (height, width) of the picture, pixels.
        crop: of a window; where the picture is smaller, the window is as small.
        stride: steps down and right, at most the crop.
    """
    rows, columns = (_spans(*side) for side in zip(size, crop, stride, strict=True))
    return [Window(top, left, bottom, right) for top, bottom in rows for left, right in columns]


def _spans(length: int, crop: int, stride: int) -> list[tuple[int, int]]:
    """(start, end) along one side."""
    steps = -(-max(length - crop, 0) // stride)  # rounded up
    starts = (min(step * stride, max(length - crop, 0)) for step in range(steps + 1))
    return [(start, min(start + crop, length)) for start in starts]


def window_planes(
    logits: Sequence[np.ndarray], windows: Sequence[Window], crop: Size, picture: Size
) -> Iterator[np.ndarray]:
    """Planes at the size of the picture, each pixel the mean over the windows that hold it.

    Args:
        logits: of each window, float32 [K, h, w].
        windows: cover the picture.
        crop: (height, width) of what the network saw, the windows padded on the right and below, pixels.
        picture: its (height, width), pixels.
    """
    counts = np.zeros(picture, np.float32)
    for window in windows:
        counts[window.place] += 1
    plane, part = np.empty(picture, np.float32), np.empty(crop, np.float32)
    for values in zip(*logits, strict=True):  # of one class, one [h, w] a window
        plane.fill(0)
        for window, value in zip(windows, values, strict=True):
            height, width = window.size
            plane[window.place] += enlarge(value, crop, part)[:height, :width]
        plane /= counts
        yield plane
