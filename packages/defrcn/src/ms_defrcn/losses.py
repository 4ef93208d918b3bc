"""The four losses of training, as functions for graphs (Faster R-CNN, arXiv 1506.01497; reductions of detectron2).

All are computed in float32 whatever the network's precision, over places of which masks say whether they count.
"""

from __future__ import annotations

from mindspore import Tensor, ops
from mindspore import dtype as mstype

from ms_defrcn.box_coding import ROI_WEIGHTS, RPN_WEIGHTS, encode


def objectness_loss(logits: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Binary cross entropy, summed over the places that are positive or negative; float32 scalar.

    Args:
        logits: [n] of the drawn anchors.
        positive: bool [n].
        negative: bool [n]; a place is not both.
    """
    logits = logits.astype(mstype.float32)
    target = positive.astype(mstype.float32)
    counts = target + negative.astype(mstype.float32)
    # log(1 + exp(x)) - target * x without overflow.
    losses = ops.relu(logits) - target * logits + ops.log1p(ops.exp(-ops.abs(logits)))
    return (losses * counts).sum()


def anchor_loss(deltas: Tensor, anchors: Tensor, boxes: Tensor, positive: Tensor) -> Tensor:
    """L1 distance of deltas and what they should be, summed over the positive places; float32 scalar.

    Args:
        deltas: [n, 4] of the drawn anchors.
        anchors: float32 [n, 4].
        boxes: float32 [n, 4], each anchor's object; anything where not positive.
        positive: bool [n].
    """
    return _l1(deltas, encode(anchors, boxes, RPN_WEIGHTS), positive)


def classification_loss(logits: Tensor, classes: Tensor, counts: Tensor) -> Tensor:
    """Cross entropy, mean over the places that count; 0 if none does. float32 scalar.

    Args:
        logits: [n, K + 1], background last.
        classes: int32 [n], 0..K; in range also where a place does not count.
        counts: bool [n].
    """
    logits = ops.log_softmax(logits.astype(mstype.float32), -1)
    chosen = ops.one_hot(classes, logits.shape[-1], 1.0, 0.0).astype(mstype.float32)
    weights = counts.astype(mstype.float32)
    return -((logits * chosen).sum(-1) * weights).sum() / _at_least_one(weights)


def region_loss(deltas: Tensor, regions: Tensor, boxes: Tensor, classes: Tensor, positive: Tensor) -> Tensor:
    """L1 distance of the deltas of each region's own class and what they should be, summed over the positive places.

    Args:
        deltas: [n, 4 K].
        regions: float32 [n, 4].
        boxes: float32 [n, 4], each region's object; anything where not positive.
        classes: int32 [n], 0..K.
        positive: bool [n].

    Returns:
        float32 scalar.
    """
    count, num_classes = deltas.shape[0], deltas.shape[1] // 4
    own = ops.one_hot(classes, num_classes, 1.0, 0.0).astype(deltas.dtype)  # zeros for the background
    deltas = (deltas.reshape((count, num_classes, 4)) * own.expand_dims(-1)).sum(1)
    return _l1(deltas, encode(regions, boxes, ROI_WEIGHTS), positive)


def mean_over(total: Tensor, counts: Tensor) -> Tensor:
    """`total` divided by the number of places that count, bool [n]."""
    return total / _at_least_one(counts.astype(mstype.float32))


def _l1(deltas: Tensor, targets: Tensor, positive: Tensor) -> Tensor:
    wanted = ops.broadcast_to(positive.reshape((-1, 1)), targets.shape)
    # Selected, not multiplied: targets of places that do not count may be infinite.
    targets = ops.stop_gradient(ops.select(wanted, targets, ops.zeros_like(targets)))
    return (ops.abs(deltas.astype(mstype.float32) - targets) * wanted.astype(mstype.float32)).sum()


def _at_least_one(weights: Tensor) -> Tensor:
    return ops.maximum(weights.sum(), 1.0)
