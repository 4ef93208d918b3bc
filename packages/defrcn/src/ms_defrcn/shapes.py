"""The few shapes that pictures are filled up to, so that each has its graph compiled once.

A network that takes pictures of any size would compile a graph for nearly every picture. Instead a picture, lying at
the top left, is filled up with zeros to the smallest of at most six shapes that holds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ms_defrcn.config import InputConfig
from ms_defrcn.resize import Size

STEP = 16
"""Pixels that a place of the feature map stands for: sides are whole multiples, so that no place is cut."""


def padded_shapes(short_side: int, max_side: int) -> tuple[Size, ...]:
    """Shapes for pictures whose short side is at most `short_side` and whose long side at most `max_side`.

    There are three lengths: the short side (800: 800), the long side of a 4:3 picture (800: 1072) and the longest
    side (1333: 1344). A picture lies or stands in the short one by one of the others, so most photos, which are 4:3 or
    3:2, are filled up by little. The two squares are for batches in which some lie and some stand. Where the middle
    length is not below the longest, there is none.

    Returns:
        (height, width) in pixels, multiples of 16, the smallest area first.
    """
    short, middle, longest = (_rounded_up(side) for side in (short_side, -(-short_side * 4 // 3), max_side))
    longs = [side for side in (middle, longest) if side < longest] + [longest]
    shapes = {(short, side) for side in longs} | {(side, short) for side in longs} | {(s, s) for s in longs}
    return tuple(sorted(shapes, key=lambda shape: (shape[0] * shape[1], shape)))


def training_shapes(config: InputConfig) -> tuple[Size, ...]:
    """Of batches in training; none where pictures are kept "exact"."""
    return _shapes(config, max(config.short_sides))


def inference_shapes(config: InputConfig) -> tuple[Size, ...]:
    """Of single pictures in evaluation and prediction; none where pictures are kept "exact"."""
    return tuple(
        s for s in _shapes(config, config.test_short_side) if min(s) == _rounded_up(config.test_short_side)
    )


def batch_shape(sizes: Sequence[Size], shapes: Sequence[Size]) -> Size:
    """The shape of a batch.

    Args:
        sizes: of its pictures.
        shapes: the smallest area first, the last one holding every picture; none: any shape will do.

    Returns:
        The first of `shapes` that holds every picture; without shapes the largest height and width.
    """
    height, width = (max(sides) for sides in zip(*sizes, strict=True))
    if not shapes:
        return height, width
    return next(shape for shape in shapes if shape[0] >= height and shape[1] >= width)


def _shapes(config: InputConfig, short_side: int) -> tuple[Size, ...]:
    return padded_shapes(short_side, config.max_side) if config.shapes == "padded" else ()


def _rounded_up(side: int) -> int:
    return -(-side // STEP) * STEP
