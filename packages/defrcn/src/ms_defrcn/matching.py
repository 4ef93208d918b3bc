"""Which object an anchor or a region learns, as functions for graphs (Faster R-CNN, arXiv 1506.01497, 3.1.2)."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.networks.pairwise_iou import PairwiseIou

IGNORED, BACKGROUND, OBJECT = -1, 0, 1
"""What `Match` says of an anchor."""
FILLER = -1
"""Class of a slot of ground truth that holds no object."""


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
