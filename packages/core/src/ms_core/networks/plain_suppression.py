"""Non-maximum suppression in plain operators, for exported graphs.

Every shape is fixed and nothing but arithmetic, comparisons, gathering and sorting is used: `NMSWithMask`, which
`GreedySuppression` is built on, becomes NonMaxSuppression in an ONNX file, whose output has no fixed length; ATC fails
on it or on what follows it.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_core.networks.pairwise_iou import PairwiseIou

_BLOCK = 500
"""Boxes that suppress one another at once."""
LONGEST_CHAIN = 64
"""Kept boxes in a chain that is followed to its end, see `PlainSuppression`."""
_BOX, _LABEL, _POSITION = 4, 4, 5
"""Columns of the rows that are passed on: the first four are the box."""


class PlainSuppression(nn.Cell):
    """construct(boxes, labels, valid) -> (positions, valid): boxes that overlap no better one too much, best first.

    The greedy rule, solved in rounds for each block of 500 boxes: a round keeps what no box kept in the round before
    overlaps. The first settles boxes that no better one overlaps, every two more the next link of the chains "kept,
    dropped because of it, kept because that one is dropped, ..."; what is not settled in the end is dropped. So the
    result is that of the greedy rule, box for box, unless such a chain holds more than `chain` kept boxes. Among boxes
    in random order chains grow with the logarithm of their number (Fischer and Noever, arXiv 1707.05124): 6,000
    proposals held 4. Where scores fall evenly across a whole picture, as those of no trained network do, 42.

    Args:
        most: boxes returned.
        threshold: IoU above which the weaker box is dropped, 0-1.
        per_class: boxes drop those of their own label only.
        chain: kept boxes in the longest chain that is surely followed; every one costs two rounds.
    """

    def __init__(
        self, most: int, threshold: float, *, per_class: bool = False, chain: int = LONGEST_CHAIN
    ) -> None:
        super().__init__()
        self.most = most
        self.threshold = threshold
        self.per_class = per_class
        self.repetitions = -(-(chain - 1) // 4)
        self.iou = PairwiseIou(fused=False)
        self.product = ops.MatMul()
        self.descending = Tensor(np.arange(most + _BLOCK, 0, -1, dtype=np.float32))

    def construct(self, boxes: Tensor, labels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Suppress.

        Args:
            boxes: float32 [n, 4] as x0 y0 x1 y1 or y0 x0 y1 x1, best first; n is known at compilation, below 2^24.
            labels: float32 [n], whole numbers.
            valid: bool [n]; others neither stay nor drop any.

        Returns:
            (int32 [most] positions among the n, bool [most]); positions that are not valid are 0.
        """
        count = boxes.shape[0]
        rows = self._rows(boxes, labels, valid)
        alive = ops.cast(valid, mstype.float32).reshape((1, -1))
        kept, stays = self._first(rows[:_BLOCK], self._settled(rows[:_BLOCK], alive[:, :_BLOCK]))
        for start in range(_BLOCK, count, _BLOCK):
            block, clear = rows[start : start + _BLOCK], alive[:, start : start + _BLOCK]
            clear = self._without(clear, stays, self._hits(kept, block))
            kept, stays = self._first(
                ops.concat((kept, block)), ops.concat((stays, self._settled(block, clear)), 1)
            )
        positions = _filled(kept[:, _POSITION], self.most)
        stays = _filled(stays.reshape((-1,)), self.most)
        return ops.cast(positions * stays, mstype.int32), stays > 0

    def _rows(self, boxes: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
        """Boxes, zeros where not valid (they may not be finite), with labels and positions: float32 [n, 6]."""
        count = boxes.shape[0]
        wanted = ops.broadcast_to(valid.reshape((-1, 1)), boxes.shape)
        boxes = ops.select(wanted, boxes, ops.zeros_like(boxes))
        positions = Tensor(np.arange(count, dtype=np.float32).reshape(-1, 1))
        return ops.concat((boxes, labels.reshape((-1, 1)), positions), 1)

    def _settled(self, rows: Tensor, alive: Tensor) -> Tensor:
        """Which of a block [b, 6] stay, of those alive: 0 or 1, float32 [1, b]."""
        later = differences(rows[:, _POSITION], rows[:, _POSITION]) > 0
        hits = self._hits(rows, rows) * ops.cast(later, mstype.float32)
        stays = self._without(alive, alive, hits)
        for _ in range(self.repetitions):
            stays = self._eight_rounds(alive, stays, hits)
        return stays

    def _eight_rounds(self, alive: Tensor, stays: Tensor, hits: Tensor) -> Tensor:
        """Written out: turns of a loop nest in MindSpore's compiler, which gives up at a depth of 1000."""
        stays = self._without(alive, stays, hits)
        stays = self._without(alive, stays, hits)
        stays = self._without(alive, stays, hits)
        stays = self._without(alive, stays, hits)
        stays = self._without(alive, stays, hits)
        stays = self._without(alive, stays, hits)
        stays = self._without(alive, stays, hits)
        return self._without(alive, stays, hits)

    def _hits(self, first: Tensor, second: Tensor) -> Tensor:
        """Whether a box of `first` [n, 6] drops one of `second` [m, 6]: 0 or 1, float32 [n, m]."""
        hits = self.iou(second[:, :_BOX], first[:, :_BOX]) > self.threshold
        if self.per_class:
            hits = ops.logical_and(hits, ops.abs(differences(first[:, _LABEL], second[:, _LABEL])) < 0.5)
        return ops.cast(hits, mstype.float32)

    def _without(self, alive: Tensor, stays: Tensor, hits: Tensor) -> Tensor:
        """Those alive [1, m] that none which stays [1, n] drops, given hits [n, m]."""
        return ops.relu(alive - self.product(stays, hits))

    def _first(self, rows: Tensor, stays: Tensor) -> tuple[Tensor, Tensor]:
        """Those of [k, 6] that stay, moved to the front, no more than `most`."""
        count = rows.shape[0]
        rank, index = ops.topk(self.descending[-count:] * stays.reshape((-1,)), min(count, self.most))
        return ops.gather(rows, index, 0), ops.cast(rank > 0, mstype.float32).reshape((1, -1))


def differences(first: Tensor, second: Tensor) -> Tensor:
    """second[j] - first[i] for [n] and [m]: [n, m]. To compare these with 0 takes a sixth of the time of comparing the
    two with one another on a CPU, where comparisons that broadcast are slow.
    """
    return second.reshape((1, -1)) - first.reshape((-1, 1))


def _filled(values: Tensor, length: int) -> Tensor:
    """float32 [n] followed by zeros: [length]."""
    missing = length - values.shape[0]
    return ops.concat((values, ops.zeros((missing,), mstype.float32))) if missing > 0 else values


class PlainGreedySuppression(nn.Cell):
    """construct(boxes, scores, valid) -> (boxes, scores, valid): `PlainSuppression` in place of `GreedySuppression`.

    Args:
        most, threshold, chain: see there.
    """

    def __init__(self, most: int, threshold: float, chain: int = LONGEST_CHAIN) -> None:
        super().__init__()
        self.suppress = PlainSuppression(most, threshold, chain=chain)

    def construct(self, boxes: Tensor, scores: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `GreedySuppression`."""
        positions, stays = self.suppress(boxes, ops.zeros_like(scores), valid)
        wanted = ops.broadcast_to(stays.reshape((-1, 1)), (stays.shape[0], 4))
        kept = ops.gather(boxes, positions, 0)
        kept_scores = ops.gather(scores, positions, 0)
        return (
            ops.select(wanted, kept, ops.zeros_like(kept)),
            ops.select(stays, kept_scores, ops.zeros_like(kept_scores)),
            stays,
        )
