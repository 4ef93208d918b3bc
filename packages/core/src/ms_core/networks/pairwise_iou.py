"""Overlaps of boxes inside a graph."""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

_FINE = 2.0**40


class PairwiseIou(nn.Cell):
    """construct(first [n, 4], second [m, 4]) -> intersection over union of every pair, float32 [m, n].

    Exactly what `ms_core.detection.boxes.box_iou` computes, transposed; 0 where a box is empty.

    Args:
        fused: by `ops.IOU`, which counts both border pixels; with coordinates times 2^40 the pixel is lost in
            rounding, at a quarter of the time of plain arithmetic on a CPU. Wants boxes thicker than 3e-5 pixels and
            float32 throughout. None: on the CPU only, where this is known.
    """

    def __init__(self, fused: bool | None = None) -> None:
        super().__init__()
        self.fused = ms.get_context("device_target") == "CPU" if fused is None else fused
        self.iou = ops.IOU()

    def construct(self, first: Tensor, second: Tensor) -> Tensor:
        if self.fused:
            return self.iou(first * _FINE, second * _FINE)
        return _plain_iou(first, second)


def _plain_iou(first: Tensor, second: Tensor) -> Tensor:
    """min(a1, b1) - max(a0, b0) is the least of four differences, none of which needs a slow broadcast minimum."""
    x0, y0, x1, y1 = first[:, 0], first[:, 1], first[:, 2], first[:, 3]  # [n]
    u0, v0, u1, v1 = second[:, 0:1], second[:, 1:2], second[:, 2:3], second[:, 3:4]  # [m, 1]
    inter = _shared(x0, x1, u0, u1) * _shared(y0, y1, v0, v1)
    union = (x1 - x0) * (y1 - y0) + (u1 - u0) * (v1 - v0) - inter
    empty = ops.cast(union <= 0, mstype.float32)
    return inter / (union + empty)


def _shared(x0: Tensor, x1: Tensor, u0: Tensor, u1: Tensor) -> Tensor:
    """Length that intervals [n] and [m, 1] share: [m, n]."""
    none = ops.zeros_like(x1 - u0)
    crossed = ops.minimum(x1 - u0, u1 - x0)
    whole = ops.minimum((x1 - x0) + none, (u1 - u0) + none)
    return ops.relu(ops.minimum(crossed, whole))
