"""From candidates to detections inside a graph: suppression within classes and the bounds on what is kept."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_core.networks.plain_suppression import PlainSuppression, differences
from ms_core.networks.to_front import ToFront

EMPTY = -1
"""Label of a slot that holds no detection."""


class ClassSuppression(nn.Cell):
    """construct(boxes, labels, valid) -> (positions int32 [D], valid bool [D]), best first.

    `ms_core.detection.nms.merge_detections` with fixed sizes; see `PlainSuppression` for how exactly.

    Args:
        candidates: T, boxes that come in.
        threshold: IoU above which the weaker box is dropped, 0-1.
        max_per_class: boxes kept of a class.
        max_detections: D, boxes kept in all; None: as many as come in.
        class_agnostic: a box drops weaker ones of every class.
    """

    def __init__(
        self,
        candidates: int,
        threshold: float,
        max_per_class: int,
        max_detections: int | None,
        class_agnostic: bool,
    ) -> None:
        super().__init__()
        self.slots = candidates if max_detections is None else min(max_detections, candidates)
        self.max_per_class = max_per_class
        self.classes_fill = max_per_class < self.slots  # else the best D are no more than that of any class
        most = candidates if self.classes_fill else self.slots
        self.suppress = PlainSuppression(most, threshold, per_class=not class_agnostic)
        self.product = ops.MatMul()
        self.first = ToFront(most, self.slots)

    def construct(self, boxes: Tensor, labels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Suppress.

        Args:
            boxes: float32 [T, 4], corners, best first.
            labels: int32 [T].
            valid: bool [T].
        """
        classes = ops.cast(labels, mstype.float32)
        positions, stays = self.suppress(boxes, classes, valid)
        if not self.classes_fill:
            return positions, stays
        few = self._rank(ops.gather(classes, positions, 0), positions, stays) < self.max_per_class
        return self.first(positions, ops.logical_and(stays, few))

    def _rank(self, classes: Tensor, positions: Tensor, stays: Tensor) -> Tensor:
        """How many of the same class that stay come before, float32 [n]."""
        places = ops.cast(positions, mstype.float32)
        same = ops.abs(differences(classes, classes)) < 0.5
        before = ops.cast(ops.logical_and(same, differences(places, places) > 0), mstype.float32)
        return self.product(ops.cast(stays, mstype.float32).reshape((1, -1)), before).reshape((-1,))
