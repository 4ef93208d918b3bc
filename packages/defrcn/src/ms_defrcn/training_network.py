"""The network with its losses: what a training step differentiates."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_defrcn.config import ProposalConfig, RoiConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.losses import anchor_loss, classification_loss, mean_over, objectness_loss, region_loss
from ms_defrcn.matching import BACKGROUND, IGNORED, Match
from ms_defrcn.proposals import Proposals
from ms_defrcn.sampling import Sample

PARTS = ("loss_rpn_cls", "loss_rpn_loc", "loss_cls", "loss_box_reg")
"""Names of what `TrainingNetwork` returns after the total."""


class TrainingNetwork(nn.Cell):
    """construct(images, sizes, gt_boxes, gt_classes, anchor_keys, roi_keys) -> (total, *losses named by `PARTS`).

    The total is the plain sum of the four losses (Faster R-CNN; DeFRCN changes gradients, not losses). Height and
    width of the images may be unknown at compilation; all other sizes are fixed. The losses of the region proposal
    network are divided by `proposals.samples` times the pictures, those of the RoI head by the regions drawn.

    Args:
        network: what is trained.
        proposals: of the region proposal network.
        roi: of the RoI head.
    """

    def __init__(
        self, network: DeFRCN, proposals: ProposalConfig | None = None, roi: RoiConfig | None = None
    ) -> None:
        super().__init__(auto_prefix=False)
        proposals, roi = proposals or ProposalConfig(), roi or RoiConfig()
        self.network = network
        self.num_classes = network.num_classes
        self.samples = proposals.samples
        self.proposals = Proposals(
            proposals.train_before_nms, proposals.train_after_nms, proposals.nms_threshold
        )
        self.anchor_match = Match(proposals.negative_below, proposals.positive_above, best_always=True)
        self.anchor_sample = Sample(proposals.samples, proposals.positive_share)
        self.region_sample = RegionSample(self.num_classes, roi)

    def construct(
        self,
        images: Tensor,
        sizes: Tensor,
        gt_boxes: Tensor,
        gt_classes: Tensor,
        anchor_keys: Tensor,
        roi_keys: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Losses of a batch.

        Args:
            images: float32 [B, 3, H, W], as `DeFRCN` takes them.
            sizes: float32 [B, 2], height and width of each picture inside the padded one, pixels.
            gt_boxes: float32 [B, G, 4] as x0 y0 x1 y1, pixels of the network's input.
            gt_classes: int32 [B, G], 0..K-1; -1: the slot holds no object.
            anchor_keys: float32 [B, A], numbers in random order, by which anchors are drawn.
            roi_keys: float32 [B, P + G], the same for regions: P proposals (`train_after_nms`) and the objects.

        Returns:
            (total, loss_rpn_cls, loss_rpn_loc, loss_cls, loss_box_reg), float32 scalars.
        """
        features = self.network.features(images)
        anchors = self.network.anchors(features)
        objectness, deltas = self.network.rpn(features)
        rpn_cls, rpn_loc, drawn = [], [], []
        for picture in range(images.shape[0]):
            truth = (gt_boxes[picture], gt_classes[picture])
            scores, moves = objectness[picture], deltas[picture]
            keys, size = anchor_keys[picture], sizes[picture]
            cls, loc = self.rpn_losses(scores, moves, anchors, *truth, keys, size)
            found = self.proposals(scores, moves, anchors, size)
            drawn.append(self.region_sample(found[0], found[2], *truth, roi_keys[picture]))
            rpn_cls.append(cls)
            rpn_loc.append(loc)
        regions = ops.stack([regions[0] for regions in drawn])  # [B, R, 4]
        logits, moves = self.network.predict(self.network.roi_features(features, regions))
        loss_cls, loss_box_reg = self.region_losses(logits, moves, drawn)
        share = 1.0 / (self.samples * images.shape[0])
        loss_rpn_cls, loss_rpn_loc = ops.addn(rpn_cls) * share, ops.addn(rpn_loc) * share
        total = loss_rpn_cls + loss_rpn_loc + loss_cls + loss_box_reg
        return total, loss_rpn_cls, loss_rpn_loc, loss_cls, loss_box_reg

    def rpn_losses(
        self,
        objectness: Tensor,
        deltas: Tensor,
        anchors: Tensor,
        gt_boxes: Tensor,
        gt_classes: Tensor,
        keys: Tensor,
        size: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """(objectness, deltas) losses of one picture, summed over its drawn anchors.

        Anchors whose centres lie beside the picture, on what fills it up, are no background to learn from.
        """
        labels, owners = self.anchor_match(anchors, gt_boxes, gt_classes)
        labels = _without_filling(labels, anchors, size)
        index, positive, negative = self.anchor_sample(labels, keys)
        boxes = ops.gather(gt_boxes, ops.gather(owners, index, 0), 0)
        cls = objectness_loss(ops.gather(objectness, index, 0), positive, negative)
        loc = anchor_loss(ops.gather(deltas, index, 0), ops.gather(anchors, index, 0), boxes, positive)
        return cls, loc

    def region_losses(
        self, logits: Tensor, deltas: Tensor, drawn: list[tuple[Tensor, Tensor, Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """(loss_cls, loss_box_reg) over the regions of all pictures: logits [B * R, K + 1], deltas [B * R, 4 K]."""
        regions, classes, boxes, counts = [ops.concat([found[i] for found in drawn]) for i in range(4)]
        positive = ops.logical_and(counts, classes < self.num_classes)
        loss_cls = classification_loss(logits, classes, counts)
        return loss_cls, mean_over(region_loss(deltas, regions, boxes, classes, positive), counts)


def _without_filling(labels: Tensor, anchors: Tensor, size: Tensor) -> Tensor:
    """Labels int32 [A] in which background outside the picture of `size` (height, width) is ignored."""
    across, down = anchors[:, 0] + anchors[:, 2], anchors[:, 1] + anchors[:, 3]  # twice the centres
    outside = ops.logical_or(across >= 2 * size[1], down >= 2 * size[0])
    ignored = ops.logical_and(outside, labels == BACKGROUND)
    return labels + ops.cast(ignored, mstype.int32) * (IGNORED - BACKGROUND)


class RegionSample(nn.Cell):
    """construct(boxes [P, 4], valid [P], gt_boxes [G, 4], gt_classes [G], keys [P + G]) -> the drawn regions.

    Objects themselves are drawn from too, behind the proposals (as in detectron2). Nothing carries a gradient.

    Args:
        num_classes: K; the class of the background.
        roi: how many, and which lie on objects.
    """

    def __init__(self, num_classes: int, roi: RoiConfig) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.match = Match(roi.positive_above, roi.positive_above)
        self.sample = Sample(roi.samples, roi.positive_share)

    def construct(
        self, boxes: Tensor, valid: Tensor, gt_boxes: Tensor, gt_classes: Tensor, keys: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Draw.

        Returns:
            (regions float32 [R, 4], classes int32 [R] with K for the background, the objects' boxes float32 [R, 4],
            whether a place counts bool [R]).
        """
        regions = ops.concat((boxes, gt_boxes))
        labels, owners = self.match(regions, gt_boxes, gt_classes)
        real = ops.concat((valid, gt_classes >= 0))
        labels = ops.select(real, labels, ops.full_like(labels, IGNORED))
        index, positive, negative = self.sample(labels, keys)
        owner = ops.gather(owners, index, 0)
        is_object = positive.astype(mstype.int32)
        classes = ops.gather(gt_classes, owner, 0) * is_object + self.num_classes * (1 - is_object)
        counts = ops.logical_or(positive, negative)
        return ops.gather(regions, index, 0), classes, ops.gather(gt_boxes, owner, 0), counts
