"""Proposals: the best boxes of the region proposal network that do not overlap much, exactly and with fixed sizes."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.networks.greedy_suppression import GreedySuppression

from ms_defrcn.box_coding import RPN_WEIGHTS, clip, decode

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
