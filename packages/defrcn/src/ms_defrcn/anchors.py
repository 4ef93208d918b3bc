"""Anchors: the boxes that the region proposal network scores and moves, at every cell of the feature map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mindspore import Tensor, nn, ops

from ms_defrcn.places import places


class AnchorGrid(nn.Cell):
    """construct(features) -> the anchors of a feature map, float32 [A, 4].

    Order: rows of the map, columns, anchors of a cell; of those size by size, and of each size ratio by ratio. The
    first cell's anchors lie around (0, 0); nothing is rounded or clipped (detectron2's convention; the old port
    rounds and shifts, so that weights of a region proposal network cannot be exchanged with it).

    Args:
        sizes: square roots of the areas, pixels of the network's input.
        ratios: height over width.
        stride: pixels between neighbouring cells.
    """

    def __init__(
        self,
        sizes: Sequence[float] = (32, 64, 128, 256, 512),
        ratios: Sequence[float] = (0.5, 1, 2),
        stride: int = 16,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.cell_anchors = cell_anchors(sizes, ratios)
        """float32 NumPy array [per_cell, 4]: x0 y0 x1 y1 of the anchors of the first cell, pixels."""
        self.per_cell = len(self.cell_anchors)
        self.first = Tensor(self.cell_anchors)

    def construct(self, features: Tensor) -> Tensor:
        """Features [B, C, h, w], where h and w may be unknown at compilation -> float32 [h * w * per_cell, 4]."""
        height, width = features.shape[-2], features.shape[-1]
        x = places(features[0, 0, 0]) * float(self.stride)
        y = places(features[0, 0, :, 0]) * float(self.stride)
        x = ops.broadcast_to(x.reshape((1, -1)), (height, width))
        y = ops.broadcast_to(y.reshape((-1, 1)), (height, width))
        corners = ops.stack((x, y, x, y), -1).reshape((-1, 1, 4))
        return (corners + self.first).reshape((-1, 4))


def cell_anchors(sizes: Sequence[float], ratios: Sequence[float]) -> np.ndarray:
    """The anchors around (0, 0), size by size: float32 [len(sizes) * len(ratios), 4] as x0 y0 x1 y1, pixels."""
    size = np.repeat(np.asarray(sizes, np.float64), len(ratios))
    ratio = np.tile(np.asarray(ratios, np.float64), len(sizes))
    width = size / np.sqrt(ratio)
    half = np.stack((width, width * ratio), axis=1) / 2
    return np.concatenate((-half, half), axis=1).astype(np.float32)
