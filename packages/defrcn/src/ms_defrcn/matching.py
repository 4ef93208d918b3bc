"""Which object an anchor or a region learns, as functions for graphs (Faster R-CNN, arXiv 1506.01497, 3.1.2)."""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

IGNORED, BACKGROUND, OBJECT = -1, 0, 1
"""What `Match` says of an anchor."""
FILLER = -1
"""Class of a slot of ground truth that holds no object."""

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


class Match(nn.Cell):
    """construct(boxes [n, 4], gt_boxes [G, 4], gt_classes [G]) -> (labels int32 [n], owners int32 [n]).

    A box's owner is the object it overlaps most, the first of equals (0 where there is none), and its label `OBJECT`
    from `object_from` on, `BACKGROUND` below `background_below`, `IGNORED` between. All float32; slots of class
    `FILLER` are no objects.

    Args:
        background_below: IoU, 0-1.
        object_from: IoU, 0-1.
        best_always: boxes that overlap an object as much as any box does are labelled `OBJECT` whatever that overlap
            is, unless 0; they keep their owner, which may be another object (as in detectron2).
    """

    def __init__(self, background_below: float, object_from: float, best_always: bool = False) -> None:
        super().__init__()
        self.background_below = background_below
        self.object_from = object_from
        self.best_always = best_always
        self.iou = PairwiseIou()

    def construct(self, boxes: Tensor, gt_boxes: Tensor, gt_classes: Tensor) -> tuple[Tensor, Tensor]:
        real = ops.cast(gt_classes >= 0, mstype.float32).reshape((-1, 1))
        overlaps = self.iou(boxes, gt_boxes) * real  # [G, n]
        best, owners = ops.max(overlaps, 0)
        objects = best >= self.object_from
        if self.best_always:
            objects = ops.logical_or(objects, self._is_best_of_an_object(overlaps))
        background = ops.logical_and(best < self.background_below, ops.logical_not(objects))
        labels = ops.cast(objects, mstype.int32) * (OBJECT - IGNORED) + IGNORED
        labels = labels + ops.cast(background, mstype.int32) * (BACKGROUND - IGNORED)
        return labels, ops.cast(owners, mstype.int32)

    def _is_best_of_an_object(self, overlaps: Tensor) -> Tensor:
        """Of overlaps [G, n]: bool [n]."""
        most, _ = ops.max(overlaps, 1, keepdims=True)  # [G, 1]
        reached = ops.logical_and(overlaps >= most, overlaps > 0)
        return ops.cast(reached, mstype.float32).sum(0) > 0
