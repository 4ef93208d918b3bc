"""The network as it is exported: with boxes of every class, or with the selection of detections in the graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.networks.best_candidates import BestCandidates
from ms_core.networks.class_suppression import ClassSuppression
from ms_core.networks.plain_suppression import PlainGreedySuppression
from ms_core.networks.to_front import ToFront
from ms_core.single_shot.nms_form import gather_detections
from ms_core.single_shot.output_forms import MOST_CANDIDATES

from ms_defrcn.config import PostprocessConfig
from ms_defrcn.defrcn import DeFRCN

_PROPOSAL_CHAIN = 16
"""Kept boxes in a chain of overlapping proposals that is followed to its end, see `PlainSuppression`."""


@contextmanager
def plain_proposals(network: DeFRCN) -> Iterator[None]:
    """Inside, proposals are selected by plain operators, which ATC and MindSpore Lite can be expected to take.

    They are the same, box for box, unless boxes overlap in chains of more than 16 kept ones.
    """
    exact = network.proposals.suppress
    network.proposals.suppress = PlainGreedySuppression(exact.most, exact.threshold, _PROPOSAL_CHAIN)
    try:
        yield
    finally:
        network.proposals.suppress = exact


class DecodedForm(nn.Cell):
    """construct(images, sizes) -> (boxes, scores, valid): `DeFRCN`, with outputs of one type."""

    def __init__(self, network: DeFRCN) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        boxes, scores, valid = self.network(images, sizes)
        return boxes, scores, ops.cast(valid, mstype.float32)


class NmsForm(nn.Cell):
    """construct(images, sizes, scale) -> (boxes [B, D, 4], scores [B, D], labels int32 [B, D]), best first.

    Images and sizes are those of `DeFRCN`; scale, float32 [B, 2], pixels of the input to a pixel of the original
    picture, across and down. Boxes are x0 y0 x1 y1 in pixels of the original picture, D is `max_detections`. The
    detections are those of `ms_defrcn.postprocess.postprocess`, within the limits that
    `ms_core.single_shot.nms_form.NmsForm` lists.

    Args:
        network: shares its parameters; its mode is not touched.
        config: thresholds and bounds, which the graph then holds.
    """

    def __init__(self, network: DeFRCN, config: PostprocessConfig) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        regions = network.proposals.suppress.most
        self.select = Selection(regions, network.num_classes, config)

    def construct(self, images: Tensor, sizes: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        boxes, scores, valid = self.network(images, sizes)
        found_boxes: tuple[Tensor, ...] = ()
        found_scores: tuple[Tensor, ...] = ()
        found_labels: tuple[Tensor, ...] = ()
        for picture in range(images.shape[0]):
            found = self.select(
                boxes[picture], scores[picture], valid[picture], sizes[picture], scale[picture]
            )
            found_boxes += (found[0],)
            found_scores += (found[1],)
            found_labels += (found[2],)
        return ops.stack(found_boxes), ops.stack(found_scores), ops.stack(found_labels)


class Selection(nn.Cell):
    """construct(boxes [R, K, 4], scores [R, K + 1], valid [R], size [2], scale [2]) -> (boxes [D, 4], scores [D],
    labels int32 [D]): `ms_defrcn.postprocess.postprocess` of one picture with fixed sizes.

    Args:
        regions: R.
        classes: K.
        config: thresholds and bounds.
        candidates: pairs of a region and a class that are looked at.
    """

    def __init__(
        self, regions: int, classes: int, config: PostprocessConfig, candidates: int = MOST_CANDIDATES
    ) -> None:
        super().__init__()
        self.classes = classes
        self.best = BestCandidates(candidates, config.min_score, one_class=False)
        candidates = min(candidates, regions * classes)
        slots = min(config.max_detections, candidates)
        self.suppress = ClassSuppression(candidates, config.nms_threshold, slots, slots, class_agnostic=False)
        self.first = ToFront(slots, slots)

    def construct(
        self, boxes: Tensor, scores: Tensor, valid: Tensor, size: Tensor, scale: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See the class; `size` is height and width of the picture inside the input, `scale` across and down."""
        finite = ops.isfinite(scores.sum(1) + boxes.sum((1, 2)))
        usable = ops.logical_and(valid, finite).reshape((-1, 1))
        scores = scores[:, : self.classes]
        scores = ops.select(ops.broadcast_to(usable, scores.shape), scores, ops.zeros_like(scores))
        best, rows, labels, counts = self.best(scores)
        boxes = ops.gather(boxes.reshape((-1, 4)), rows * self.classes + labels, 0)
        positions, stays = self.suppress(boxes, labels, counts)
        boxes = _in_picture(boxes, size, scale)
        solid = ops.logical_and(boxes[:, 2] > boxes[:, 0], boxes[:, 3] > boxes[:, 1])
        positions, stays = self.first(positions, ops.logical_and(stays, ops.gather(solid, positions, 0)))
        return gather_detections(boxes, best, labels, positions, stays)


def _in_picture(boxes: Tensor, size: Tensor, scale: Tensor) -> Tensor:
    """Boxes [n, 4] in pixels of the input -> in those of the original picture and within it."""
    original = ops.floor(size / ops.stack((scale[1], scale[0])) + 0.5)  # its sides are whole numbers
    boxes = boxes / ops.concat((scale, scale)).reshape((1, 4))
    high = ops.stack((original[1], original[0], original[1], original[0]))
    return ops.minimum(ops.relu(boxes), ops.broadcast_to(high, boxes.shape))


class NormalisedInside(nn.Cell):
    """construct(pixels uint8 [B, H, W, 3], sizes, *more) -> what `form` gives for the normalised pictures.

    What lies beside and below a picture becomes zeros after normalisation, whatever it was.

    Args:
        form: construct(images float32 [B, 3, H, W], sizes, *more).
        size: (H, W).
        mean: three numbers 0-255, in the order of the channels.
        std: three numbers, in the same order.
    """

    def __init__(
        self,
        form: nn.Cell,
        size: tuple[int, int],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__(auto_prefix=False)
        self.form = form
        self.mean = Tensor(np.array(mean, np.float32).reshape(1, 3, 1, 1))
        self.std = Tensor(np.array(std, np.float32).reshape(1, 3, 1, 1))
        self.rows = Tensor(np.arange(size[0], dtype=np.float32).reshape(1, 1, -1, 1))
        self.columns = Tensor(np.arange(size[1], dtype=np.float32).reshape(1, 1, 1, -1))

    def construct(self, pixels: Tensor, sizes: Tensor, *more: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images = ops.transpose(ops.cast(pixels, mstype.float32), (0, 3, 1, 2))
        height, width = sizes[:, 0].reshape((-1, 1, 1, 1)), sizes[:, 1].reshape((-1, 1, 1, 1))
        down = ops.cast(self.rows < height, mstype.float32)
        across = ops.cast(self.columns < width, mstype.float32)
        return self.form((images - self.mean) / self.std * down * across, sizes, *more)
