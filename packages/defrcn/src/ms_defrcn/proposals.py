"""Proposals: the best boxes of the region proposal network that do not overlap much, exactly and with fixed sizes."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_defrcn.box_coding import RPN_WEIGHTS, clip, decode
from ms_defrcn.matching import PairwiseIou

_BLOCK = 500
"""Boxes that suppress one another at once."""
_NOWHERE = float(np.finfo(np.float32).min)
"""Objectness of a filler."""


class Proposals(nn.Cell):
    """construct(objectness, deltas, anchors, size) -> (boxes, logits, valid) of one picture.

    The `before_nms` best-scored anchors are moved by their deltas and clipped to the picture; empty boxes are dropped,
    then greedily every box that overlaps a better one too much; of the others the best `after_nms` are returned, best
    first. Slots that are left over are not valid: a box of zeros. Shapes follow from the arguments alone, so that the
    graph also suits pictures of unknown size. It carries no gradient.

    Args:
        before_nms: anchors looked at.
        after_nms: boxes returned.
        threshold: IoU above which the weaker box is dropped, 0-1.
    """

    def __init__(self, before_nms: int, after_nms: int, threshold: float) -> None:
        super().__init__()
        self.before_nms = before_nms
        self.after_nms = after_nms
        self.suppress = GreedySuppression(after_nms, threshold)

    def construct(
        self, objectness: Tensor, deltas: Tensor, anchors: Tensor, size: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Proposals of one picture.

        Args:
            objectness: [A] logits of the anchors.
            deltas: [A, 4], see `box_coding.decode`.
            anchors: float32 [A, 4].
            size: float32 [2], height and width of the picture inside the padded one, pixels.

        Returns:
            (float32 [after_nms, 4], float32 [after_nms], bool [after_nms]).
        """
        logits, index = self._best(ops.cast(ops.stop_gradient(objectness), mstype.float32))
        deltas = ops.cast(ops.stop_gradient(deltas), mstype.float32)
        deltas = ops.gather(deltas, index, 0)
        boxes = clip(decode(ops.gather(anchors, index, 0), deltas, RPN_WEIGHTS), size)
        solid = ops.logical_and(boxes[:, 2] > boxes[:, 0], boxes[:, 3] > boxes[:, 1])
        finite = ops.isfinite(deltas.sum(1) + logits)  # before limits and clipping, which may hide it
        real = ops.logical_and(finite, logits > _NOWHERE)
        return self.suppress(boxes, logits, ops.logical_and(solid, real))

    def _best(self, objectness: Tensor) -> tuple[Tensor, Tensor]:
        """(logits, indices) of the best anchors; if their number is unknown and too small, `_NOWHERE` and index 0."""
        known = ops.isconstant(objectness.shape[0])
        if known:  # two conditions: an unknown number would make the second one a branch of the graph
            if objectness.shape[0] <= self.before_nms:
                return ops.topk(objectness, objectness.shape[0])
        else:
            fillers = ops.full((self.before_nms,), _NOWHERE, dtype=mstype.float32)
            logits, index = ops.topk(ops.concat((objectness, fillers)), self.before_nms)
            # MindSpore takes the length of what `topk` gives for unknown here.
            logits, index = logits.reshape((self.before_nms,)), index.reshape((self.before_nms,))
            return logits, index * ops.cast(index < objectness.shape[0], index.dtype)
        return ops.topk(objectness, self.before_nms)


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
