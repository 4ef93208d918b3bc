"""The training loss of the single-shot detectors: focal loss on the classes, smooth L1 on the boxes."""

from typing import Literal

import mindspore as ms
from mindspore import Tensor, nn, ops


class SingleShotLoss(nn.Cell):
    """Focal loss over every anchor and channel plus smooth L1 over matched anchors, for each matched anchor.

    Everything is computed in float32 whatever the network's precision. A batch without any object is divided
    by 1. The matched anchors are those of all devices, so that the mean of the devices' losses, and of their
    gradients, is what one device computes for all images together; the old zoo divided by each device's own,
    which gives an anchor less weight the more matched ones its device happens to have.

    Args:
        alpha: weight of the channel that should be 1; the others get 1 - alpha (focal loss paper, section
            3.1). gamma: how strongly easy anchors are discounted. loc_reduce: "sum" or "mean" of the four
            coordinates' losses. The two differ by a factor of 4 and belong to the recipe the learning rate
            was chosen for: "sum" in the old SSD, "mean" in the old SSDLite.
        world_size: devices that train together.
    """

    def __init__(
        self,
        alpha: float,
        gamma: float = 2.0,
        loc_reduce: Literal["sum", "mean"] = "sum",
        world_size: int = 1,
    ) -> None:
        super().__init__()
        if loc_reduce not in ("sum", "mean"):
            raise ValueError(f'loc_reduce is "sum" or "mean", not {loc_reduce!r}')
        self.alpha = alpha
        self.gamma = gamma
        self.loc_weight = 1.0 if loc_reduce == "sum" else 0.25
        self.world_size = world_size
        if world_size > 1:
            self.all_reduce = ops.AllReduce()

    def construct(
        self,
        box_deltas: Tensor,
        class_logits: Tensor,
        loc_targets: Tensor,
        label_targets: Tensor,
        num_match: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss of a batch.

        Args:
            box_deltas: [B, N, 4] as `encode_boxes` makes them.
            class_logits: [B, N, K], channel 0 is background.
            loc_targets: float32 [B, N, 4].
            label_targets: int32 [B, N], 0..K-1, 0 for anchors without an object.
            num_match: int32 [B] or [B, 1], anchors with an object of each image.

        Returns:
            (total, class part, box part), float32 scalars; total is the sum of the two.
        """
        matched = self._matched_anchors(num_match)
        classes = self._focal(ops.cast(class_logits, ms.float32), label_targets) / matched
        boxes = self._smooth_l1(ops.cast(box_deltas, ms.float32), loc_targets, label_targets) / matched
        return classes + boxes, classes, boxes

    def _matched_anchors(self, num_match: Tensor) -> Tensor:
        """Mean over the devices, but at least 1 over all of them."""
        matched = ops.cast(num_match, ms.float32).sum()
        if self.world_size > 1:
            matched = self.all_reduce(matched.reshape((1,)))[0]
        return ops.maximum(matched, 1.0) / self.world_size

    def _focal(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Every channel is first taken as one that should be 0; the one channel of each anchor that should be
        # 1 is then corrected. No one-hot tensor as large as the logits is made, forward or backward.
        wrong = self._discounted(logits).sum(-1)  # [B, N]
        target = ops.gather_elements(logits, 2, ops.expand_dims(labels, -1)).squeeze(-1)  # [B, N]
        wrong = wrong - self._discounted(target)
        terms = (1.0 - self.alpha) * wrong + self.alpha * self._discounted(-target)
        return terms.sum(-1).sum()

    def _discounted(self, logits: Tensor) -> Tensor:
        """sigmoid(x)^gamma * softplus(x): cross entropy against 0, discounted where it is already small."""
        # softplus(x) = (|x| + x) / 2 + ln(1 + e^-|x|) and ln sigmoid(x) = -softplus(-x). Nothing overflows,
        # and unlike with max(x, 0) and pow the gradient is right at x = 0 and wherever the sigmoid is 0 in
        # float32.
        magnitude = ops.abs(logits)
        tail = ops.log1p(ops.exp(-magnitude))
        log_sigmoid = 0.5 * (logits - magnitude) - tail
        return ops.exp(self.gamma * log_sigmoid) * (0.5 * (logits + magnitude) + tail)

    def _smooth_l1(self, deltas: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
        distance = ops.abs(deltas - targets)
        terms = ops.select(distance < 1.0, 0.5 * distance * distance, distance - 0.5).sum(-1)  # [B, N]
        return (terms * ops.cast(labels > 0, ms.float32)).sum() * self.loc_weight
