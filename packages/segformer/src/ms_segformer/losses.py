"""Cross entropy over the labelled pixels of a batch: plain, class-weighted, or of the hard pixels only."""

from __future__ import annotations

import math

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.errors import UserError
from ms_core.segmentation.cityscapes_labels import CLASS_WEIGHTS
from ms_core.segmentation.coding import IGNORE

from ms_segformer.bilinear import resize_bilinear
from ms_segformer.config import LossConfig

_BISECTIONS = 26  # what is left of the bracket is below the spacing of float32 at 0.05


class SegmentationLoss(nn.Cell):
    """construct(logits, labels) -> mean cross entropy over the pixels that count, times `settings.factor`.

    Logits are first enlarged to the size of the labels. With class weights the mean is a weighted one: divided by the
    sum of the weights of the pixels' classes. The mean is over the pixels of all devices, so that the mean of the
    devices' losses, and of their gradients, is what one device computes for all pictures together. A batch without
    any labelled pixel has loss 0 and gradient 0. Everything is computed in float32 whatever the network's precision.

    "ohem" (online hard example mining, arXiv 1604.03540): the pixels that count are those whose class gets less than
    `ohem_threshold`, and at least the `ohem_min_kept` hardest of the batch (of all devices together).

    Args:
        num_classes: K.
        settings: which loss.
        world_size: devices that train together.

    Raises:
        UserError: class weights that are not one a class, or not positive.
    """

    def __init__(self, num_classes: int, settings: LossConfig | None = None, world_size: int = 1) -> None:
        super().__init__()
        settings = settings or LossConfig()
        self.factor = settings.factor
        weights = class_weights(settings, num_classes)
        self.weighted = weights is not None
        self.class_weights = Tensor(np.ones(1) if weights is None else weights, mstype.float32)
        self.hard_only = settings.name == "ohem"
        self.hard_loss = -math.log(max(settings.ohem_threshold, 1e-30))
        self.min_kept = float(settings.ohem_min_kept)
        self.cross_entropy = PixelCrossEntropy()
        self.world_size = world_size
        if world_size > 1:
            self.all_reduce = ops.AllReduce()

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            logits: [B, K, h, w], any float type.
            labels: int32 [B, H, W], 0..K-1, or 255 where a pixel counts nowhere.

        Returns:
            float32 scalar.
        """
        valid = labels != IGNORE
        classes = ops.select(valid, labels, ops.zeros_like(labels))
        logits = resize_bilinear(logits.astype(mstype.float32), labels.shape[-2:])
        losses = self.cross_entropy(logits, classes)[0]  # [B, H, W]
        weights = valid.astype(mstype.float32)
        if self.hard_only:
            weights = weights * self._hardness(ops.stop_gradient(losses), weights)
        if self.weighted:
            weights = weights * ops.gather(self.class_weights, classes, 0)
        total = self._sum(weights) / self.world_size
        total = ops.select(total > 0, total, ops.ones_like(total))
        return (losses * weights).sum(-1).sum() / total * self.factor

    def _sum(self, values: Tensor) -> Tensor:
        """Sum over the pixels of all devices, a scalar."""
        total = values.sum(-1).sum()  # by rows first: float32 cannot count on beyond 2^24
        return self.all_reduce(total.reshape((1,)))[0] if self.world_size > 1 else total

    def _hardness(self, losses: Tensor, valid: Tensor) -> Tensor:
        """1 for pixels that count, 0 for the others, in between for pixels that tie for the last places.

        The loss of the hardest pixel left out is found by bisection with counts, not by sorting: exact to the spacing
        of float32, the same on every device, and several times faster.
        """
        losses = losses * valid - (1.0 - valid)  # -1: behind all others
        wanted = ops.minimum(self._sum(valid), self.min_kept)
        low = ops.zeros_like(wanted)  # at least `wanted` pixels have this loss or more, ...
        high = (
            ops.ones_like(wanted) * self.hard_loss
        )  # ... and fewer have this one, if a search is needed at all
        for _ in range(_BISECTIONS):
            middle = (low + high) * 0.5
            enough = self._sum((losses >= middle).astype(mstype.float32)) >= wanted
            low = ops.select(enough, middle, low)
            high = ops.select(enough, high, middle)
        hard = (losses >= high).astype(mstype.float32)
        tied = (losses >= low).astype(mstype.float32) - hard
        share = (wanted - self._sum(hard)) / ops.maximum(self._sum(tied), 1.0)
        return hard + tied * ops.minimum(ops.maximum(share, 0.0), 1.0)


def class_weights(settings: LossConfig, num_classes: int) -> np.ndarray | None:
    """The weight of each class, float32 [K]; None where all are equal.

    Raises:
        UserError: not one weight a class, or not all positive.
    """
    if settings.class_weights == "none":
        return None
    if settings.class_weights == "cityscapes":
        weights = np.array(CLASS_WEIGHTS, np.float32)
    else:
        weights = np.array(settings.class_weights, np.float32)
    if len(weights) != num_classes:
        raise UserError(
            f"loss.class_weights: {len(weights)} weights for {num_classes} classes. Give one a class."
        )
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise UserError(f"loss.class_weights: {weights.tolist()} are not all above 0.")
    return weights


class PixelCrossEntropy(nn.Cell):
    """construct(logits float32 [B, K, H, W], classes int32 [B, H, W]) -> ([B, H, W], log probabilities [B, K, H, W]).

    Has a gradient of its own, softmax minus one-hot, made of fewer and faster operations than the automatic one; only
    the first output may be differentiated.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_softmax = ops.LogSoftmax(1)

    def construct(self, logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        log_probabilities = self.log_softmax(logits)
        return -ops.gather_elements(log_probabilities, 1, classes.expand_dims(1)).squeeze(
            1
        ), log_probabilities

    def bprop(
        self, logits: Tensor, classes: Tensor, out: tuple[Tensor, Tensor], dout: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        slope = dout[0].expand_dims(1)
        gradient = ops.exp(out[1]) * slope
        index = classes.expand_dims(1)
        return ops.tensor_scatter_elements(gradient, index, -slope, 1, "add"), ops.zeros_like(classes)
