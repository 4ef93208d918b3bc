"""The best pairs of a box and a class inside a graph, with fixed sizes."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

_NONE = -1.0
"""Score of a pair that does not count; true scores are 0-1."""


class BestCandidates(nn.Cell):
    """construct(scores [N, K]) -> (scores [T], boxes int32 [T], labels int32 [T], valid bool [T]), best first.

    T is the lesser of `most` and what there is: N * K, or N if a box counts for its best class only. Equal scores are
    in the order of their classes, then boxes, so that every program which runs the graph answers alike (and like
    `ms_core.detection.nms.multiclass_nms`).

    Args:
        most: pairs returned.
        min_score: only scores above count; those that are not numbers do not. 0-1.
        one_class: a box counts for its best class only, the lower of equal ones.
    """

    def __init__(self, most: int, min_score: float, one_class: bool) -> None:
        super().__init__()
        self.most = most
        self.min_score = min_score
        self.one_class = one_class

    def construct(self, scores: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See the class; N and K are known at compilation, `most` * K is below 2^24.

        Args:
            scores: float32 [N, K], without a background.
        """
        scores = ops.select(scores > self.min_score, scores, ops.full_like(scores, _NONE))
        if self.one_class:
            best, classes = ops.max(scores, 1)
            chosen = self._ordered(best)
            labels = ops.gather(ops.cast(classes, mstype.int32), chosen, 0)
            return self._answer(ops.gather(best, chosen, 0), chosen, labels)
        rows = self._best_rows(scores)
        count = rows.shape[0]
        pairs = ops.transpose(ops.gather(scores, rows, 0), (1, 0)).reshape((-1,))  # class after class
        chosen = self._ordered(pairs)
        labels = _whole_quotient(chosen, count)
        return self._answer(
            ops.gather(pairs, chosen, 0), ops.gather(rows, chosen - labels * count, 0), labels
        )

    def _answer(self, scores: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return scores, boxes, labels, scores > self.min_score

    def _best_rows(self, scores: Tensor) -> Tensor:
        """Rows that hold the best `most` pairs, ascending: a row whose best pair is not among them holds none."""
        best, _ = ops.max(scores, 1)
        return self._best(best)

    def _ordered(self, scores: Tensor) -> Tensor:
        """Positions of the best `most` of [n], best first; equal ones ascending."""
        chosen = self._best(scores)
        order = ops.topk(ops.gather(scores, chosen, 0), chosen.shape[0])[
            1
        ]  # of all: MindSpore keeps their order
        return ops.gather(chosen, order, 0)

    def _best(self, scores: Tensor) -> Tensor:
        """Positions of the best `most` of [n], ascending."""
        count = scores.shape[0]
        if count <= self.most:
            return ops.arange(0, count, 1, dtype=mstype.int32)
        chosen = ops.topk(scores, self.most)[1]
        ascending = ops.topk(-ops.cast(chosen, mstype.float32), self.most)[0]
        return ops.cast(-ascending, mstype.int32)


def _whole_quotient(positions: Tensor, divisor: int) -> Tensor:
    """floor(position / divisor) of int32 [n] below 2^23, in floating point: every runtime divides that alike.

    The half keeps the quotient clear of whole numbers by more than division rounds.
    """
    return ops.cast(ops.floor((ops.cast(positions, mstype.float32) + 0.5) / float(divisor)), mstype.int32)
