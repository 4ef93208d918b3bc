"""Default boxes: the scale/aspect generator of SSD and the grid generator of the feature-pyramid nets.

Both reproduce the boxes the old checkpoints were trained with, bit for bit: order is level, row, column,
anchor; nothing is clipped to the image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Anchors:
    """Default boxes of one network in its two forms, relative to the image (0-1)."""

    xywh: np.ndarray
    """float32 [N, 4] as (cy, cx, h, w); the old code's name, kept although y comes first."""
    tlbr: np.ndarray
    """float32 [N, 4] as (y0, x0, y1, x1)."""

    def __len__(self) -> int:
        return len(self.xywh)

    @cached_property
    def edges(self) -> np.ndarray:
        """`tlbr` column by column, float32 [4, N] contiguous: what matching reads once per box."""
        return np.ascontiguousarray(self.tlbr.T)

    @cached_property
    def areas(self) -> np.ndarray:
        """float32 [N], relative to the image's area."""
        y0, x0, y1, x1 = self.edges
        return (x1 - x0) * (y1 - y0)


def scale_aspect_anchors(
    image_size: int,
    feature_sizes: Sequence[int],
    steps: Sequence[int],
    aspect_ratios: Sequence[Sequence[float]],
    *,
    min_scale: float = 0.2,
    max_scale: float = 0.95,
) -> Anchors:
    """Default boxes of SSD (SSD paper, section 2.2; the old zoo's three boxes where a ratio list is empty).

    Args:
        image_size: network input height, pixels.
        feature_sizes: cells along one side of every level, fine to coarse.
        steps: pixels between the centres of every level; the last ones need not divide the image.
        aspect_ratios: width over height of the additional boxes of every level.
        min_scale: box side of the first level, relative to the image.
        max_scale: box side of the last level.
    """
    spread = (max_scale - min_scale) / (len(feature_sizes) - 1)
    scales = [min_scale + level * spread for level in range(len(feature_sizes))] + [1.0]
    return scaled_anchors(image_size, feature_sizes, steps, aspect_ratios, scales)


def scaled_anchors(
    image_size: int,
    feature_sizes: Sequence[int],
    steps: Sequence[int],
    aspect_ratios: Sequence[Sequence[float]],
    scales: Sequence[float],
) -> Anchors:
    """Default boxes of SSD with the box side of every level stated.

    Args:
        image_size: network input height, pixels.
        feature_sizes: cells along one side of every level, fine to coarse.
        steps: pixels between the centres of every level.
        aspect_ratios: width over height of the additional boxes of every level.
        scales: box side of every level relative to the image, and one more for the level that would follow.
    """
    levels = []
    for level, (cells, step, ratios) in enumerate(zip(feature_sizes, steps, aspect_ratios, strict=True)):
        sizes = np.array(_box_sizes(level, scales[level], scales[level + 1], ratios))  # [A, 2] as (h, w)
        centres = (np.arange(cells) + 0.5) / (image_size / step)
        levels.append(_boxes_at(centres, sizes))
    boxes = np.concatenate(levels)  # float64: both forms are rounded once, from the same values
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    corners = np.concatenate((centre - half, centre + half), axis=1)
    return Anchors(boxes.astype(np.float32), corners.astype(np.float32))


def grid_anchors(
    image_size: int,
    steps: Sequence[int],
    *,
    anchor_scale: float = 4.0,
    octaves: Sequence[float] = (2**0.0, 2**0.5),
    aspect_ratios: Sequence[float] = (1.0, 2.0, 0.5),
) -> Anchors:
    """Default boxes of the feature-pyramid nets: the same shapes, scaled with the step, in every cell.

    float32 from the first operation to the last, corners in pixels before one division: a float64 computation
    differs by 1e-7, which already changes the winner among anchors of equal overlap.

    Args:
        image_size: side of the square network input, pixels.
        steps: pixels between centres of every level; a level has ceil(image_size / step) cells along one
            side. anchor_scale: box side in steps. octaves: factors on that side. aspect_ratios: width over
            height.
    """
    ratios, scales = np.meshgrid(
        np.asarray(aspect_ratios, np.float32), np.asarray(octaves, np.float32), indexing="ij"
    )
    root = np.sqrt(ratios.ravel())
    shapes = np.stack((scales.ravel() / root, scales.ravel() * root), axis=1)  # [A, 2] as (h, w), float32
    centred, corners = [], []
    for step in steps:
        cells = np.arange(math.ceil(image_size / step), dtype=np.float32)
        centres = cells * np.float32(step) + np.float32(step / 2)
        boxes = _boxes_at(centres, shapes * np.float32(anchor_scale * step))
        half = np.float32(0.5) * boxes[:, 2:]
        corners.append(np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), axis=1))
        centred.append(boxes)
    side = np.float32(image_size)
    return Anchors(np.concatenate(centred) / side, np.concatenate(corners) / side)


def _box_sizes(
    level: int, scale: float, next_scale: float, ratios: Sequence[float]
) -> list[tuple[float, float]]:
    """(h, w) of the boxes in one cell."""
    if level == 0 and not ratios:
        return [(0.1, 0.1), *_wide_and_tall(scale, 2)]
    between = math.sqrt(scale * next_scale)
    stretched = [size for ratio in ratios for size in _wide_and_tall(scale, ratio)]
    return [(scale, scale), *stretched, (between, between)]


def _wide_and_tall(scale: float, ratio: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two (h, w) of area scale^2: the first `ratio` times as wide as high, the second the other way round."""
    long, short = scale * math.sqrt(ratio), scale / math.sqrt(ratio)
    return (short, long), (long, short)


def _boxes_at(centres: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Every size in every cell of a square grid, row by row: [n], [A, 2] -> [n * n * A, 4] (cy, cx, h, w)."""
    cells, shapes = len(centres), len(sizes)
    boxes = np.empty((cells, cells, shapes, 4), sizes.dtype)
    boxes[..., 0] = centres[:, None, None]
    boxes[..., 1] = centres[None, :, None]
    boxes[..., 2:] = sizes
    return boxes.reshape(-1, 4)
