"""Non-maximum suppression inside a graph, exactly and with fixed sizes."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_core.networks.pairwise_iou import PairwiseIou

_BLOCK = 500
"""Boxes that suppress one another at once."""


class GreedySuppression(nn.Cell):
    """construct(boxes, scores, valid) -> the best boxes that overlap no better one too much, best first.

    Exactly the greedy rule, box by box. `ops.NMSWithMask` of all boxes takes time that grows with their square; here
    it gets blocks of 500, and what is left of a block was first compared with the boxes already kept, of which
    there are at most `most` (see benchmarks/nms.py).

    Args:
        most: boxes returned.
        threshold: IoU above which the weaker box is dropped, 0-1.
    """

    def __init__(self, most: int, threshold: float) -> None:
        super().__init__()
        self.most = most
        self.threshold = threshold
        self.nms = ops.NMSWithMask(threshold)
        self.iou = PairwiseIou()
        self.descending = Tensor(np.arange(most + _BLOCK, 0, -1, dtype=np.float32))

    def construct(self, boxes: Tensor, scores: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Suppress.

        Args:
            boxes: float32 [n, 4] as x0 y0 x1 y1, best first; n is known at compilation.
            scores: float32 [n].
            valid: bool [n]; others neither stay nor drop any.

        Returns:
            (float32 [most, 4], float32 [most], bool [most]); boxes and scores that are not valid are zeros.
        """
        kept = self._survivors(boxes[:_BLOCK], scores[:_BLOCK], valid[:_BLOCK])
        for start in range(_BLOCK, boxes.shape[0], _BLOCK):
            end = start + _BLOCK
            overlap, _ = ops.max(self.iou(kept[0], boxes[start:end]), 1)  # [b]
            clear = ops.logical_and(valid[start:end], overlap <= self.threshold)
            more = self._survivors(boxes[start:end], scores[start:end], clear)
            kept = self._first(
                ops.concat((kept[0], more[0])), ops.concat((kept[1], more[1])), ops.concat((kept[2], more[2]))
            )
        return self._filled(kept)

    def _survivors(self, boxes: Tensor, scores: Tensor, alive: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is left of a block of boxes [b, 4], best first and no more than `most`."""
        boxes = _only(boxes, alive)
        # The operator sorts by score and answers in that order: distinct numbers keep the order of equal scores.
        order = self.descending[-boxes.shape[0] :].reshape((-1, 1))
        stays = self.nms(ops.concat((boxes, order), 1))[2]
        return self._first(boxes, scores, ops.logical_and(alive, stays))

    def _first(self, boxes: Tensor, scores: Tensor, stays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Those of [k] that stay, moved to the front, no more than `most`; zeros follow."""
        count = boxes.shape[0]
        rank = self.descending[-count:] * ops.cast(stays, mstype.float32)
        rank, index = ops.topk(rank, min(count, self.most))
        stays = rank > 0
        return _only(ops.gather(boxes, index, 0), stays), ops.gather(scores, index, 0) * stays, stays

    def _filled(self, kept: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Fill `most` slots, where there were fewer boxes from the start."""
        boxes, scores, stays = kept
        missing = self.most - boxes.shape[0]
        if missing > 0:
            boxes = ops.concat((boxes, ops.zeros((missing, 4), mstype.float32)))
            scores = ops.concat((scores, ops.zeros((missing,), mstype.float32)))
            stays = ops.concat((stays, ops.zeros((missing,), mstype.bool_)))
        return boxes, scores, stays


def _only(boxes: Tensor, wanted: Tensor) -> Tensor:
    """Boxes [n, 4] where `wanted` [n], zeros elsewhere, also for boxes that are not finite."""
    return ops.select(ops.broadcast_to(wanted.reshape((-1, 1)), boxes.shape), boxes, ops.zeros_like(boxes))
