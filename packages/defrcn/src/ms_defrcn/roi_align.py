"""RoIAlign (Mask R-CNN, He et al. 2017) as detectron2 computes it with aligned=True and sampling_ratio=0.

A region is cut into bins; in each bin of length s (in places of the map) ceil(s) points a side are read by bilinear
interpolation and averaged. Since points form a grid and bilinear interpolation is a product of two hat functions, the
whole is a product of matrices, Y . features . X^T, with one small matrix a region and axis. The number of points
differs from region to region, but they are evenly spaced, so that the sum of a hat function over them has a closed
form and all shapes are static.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_defrcn.places import places

_CHUNK = 125
"""Regions read at once: with 1024 channels, 50 places and 4 bins a chunk's intermediate array has 100 MB."""
_TINY = 1e-12


class RoiAlign(nn.Cell):
    """construct(features [B, C, h, w], rois [R, 4], batch_index int32 [R]) -> [R, C, p, p].

    Regions are x0 y0 x1 y1 in pixels of the picture; one without area gives zeros, as do points more than one place
    outside the map. Differentiable with respect to features only. B and R are known when the graph is compiled; h and
    w need not be.

    Args:
        output_size: bins a side.
        spatial_scale: places of the map to a pixel, such as 1/16.
        step: only every step-th bin of each axis is computed, p = ceil(output_size / step). A convolution with this
            stride and a 1x1 kernel looks at no others.
    """

    def __init__(self, output_size: int, spatial_scale: float, step: int = 1) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.bins = Tensor(np.arange(0, output_size, step, dtype=np.float32).reshape(1, -1, 1))
        self.side = len(range(0, output_size, step))
        self.product = ops.MatMul()
        self.products = ops.BatchMatMul()

    def construct(self, features: Tensor, rois: Tensor, batch_index: Tensor) -> Tensor:
        if features.shape[0] == 1:
            return self.of_picture(features[0], rois)
        total = 0
        for picture in range(features.shape[0]):
            here = (batch_index == picture).reshape((-1, 1, 1, 1))
            total = total + self.of_picture(features[picture], rois) * here.astype(features.dtype)
        return total

    def of_picture(self, features: Tensor, rois: Tensor) -> Tensor:
        """features [C, h, w] of one picture, rois [R, 4] -> [R, C, p, p]."""
        across = features.transpose((2, 1, 0))  # [w, h, C]
        rois = ops.stop_gradient(rois.astype(mstype.float32))
        parts: tuple[Tensor, ...] = ()
        for start in range(0, rois.shape[0], _CHUNK):
            chunk = rois[start : start + _CHUNK]
            if start > 0:  # one after the other: a graph would else hold the intermediate arrays of all
                chunk = ops.depend(chunk, parts[-1])
            parts += (self._read(across, chunk),)
        return parts[0] if len(parts) == 1 else ops.concat(parts, 0)

    def _read(self, across: Tensor, rois: Tensor) -> Tensor:
        """[w, h, C], [R, 4] -> [R, C, p, p]."""
        count, side = rois.shape[0], self.side
        width, height, channels = across.shape
        x, y = places(across[:, 0, 0]), places(across[0, :, 0])
        horizontal = self._weights(rois[:, 0:1], rois[:, 2:3], x).astype(across.dtype)  # [R, p, w]
        vertical = self._weights(rois[:, 1:2], rois[:, 3:4], y).astype(across.dtype)  # [R, p, h]
        columns = self.product(horizontal.reshape((count * side, width)), across.reshape((width, -1)))
        rows = ops.tile(vertical.expand_dims(1), (1, side, 1, 1)).reshape((count * side, side, height))
        bins = self.products(rows, columns.reshape((count * side, height, channels)))  # [R * p, p, C]
        return bins.reshape((count, side, side, channels)).transpose((0, 3, 2, 1))

    def _weights(self, low: Tensor, high: Tensor, place: Tensor) -> Tensor:
        """How much each place of an axis counts in each bin: low and high [R, 1], pixels -> [R, p, len(place)].

        Points of a bin lie at first + i * distance, i = 0 .. points - 1. A place k gets 1 - |y - k| of a point y; the
        first and last place get all of points up to one place beyond them.
        """
        length = ops.relu(high - low).expand_dims(-1) * (self.spatial_scale / self.output_size)  # [R, 1, 1]
        points = ops.ceil(length)
        distance = length / ops.maximum(points, 1.0)
        first = (
            low.expand_dims(-1) * self.spatial_scale - 0.5 + self.bins * length + distance / 2
        )  # [R, p, 1]
        before, at, after = (
            _points_below(place - 1, first, distance, points),
            _points_below(place, first, distance, points),
            _points_below(place + 1, first, distance, points),
        )
        rising, falling = at - before, after - at  # points in [k - 1, k) and in [k, k + 1)
        up = first + distance * ((before + at - 1) / 2) - (place - 1)  # means of their weights
        down = place + 1 - first - distance * ((at + after - 1) / 2)
        up = ops.select((place < 0.5).broadcast_to(up.shape), ops.ones_like(up), up)
        down = ops.select((place > place[-1] - 0.5).broadcast_to(down.shape), ops.ones_like(down), down)
        return ops.stop_gradient((rising * up + falling * down) / ops.maximum(points, 1.0))


def _points_below(limit: Tensor, first: Tensor, distance: Tensor, points: Tensor) -> Tensor:
    """How many of the points lie below `limit`: [n], [R, p, 1], [R, 1, 1], [R, 1, 1] -> [R, p, n]."""
    count = ops.ceil((limit - first) / ops.maximum(distance, _TINY))
    return ops.minimum(ops.maximum(count, 0.0), points)
