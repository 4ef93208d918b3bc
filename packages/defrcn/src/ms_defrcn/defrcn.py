"""The whole network (DeFRCN, arXiv 2108.09017): Faster R-CNN in its C4 form with gradient decoupled layers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_defrcn.anchors import AnchorGrid
from ms_defrcn.box_coding import ROI_WEIGHTS, clip, decode
from ms_defrcn.box_predictor import BoxPredictor
from ms_defrcn.config import ModelConfig, ProposalConfig
from ms_defrcn.gradient_decoupling import GradientDecoupledLayer
from ms_defrcn.proposals import Proposals
from ms_defrcn.resnet import STRIDE, Layout, Trunk, build_stage, freeze
from ms_defrcn.roi_align import RoiAlign
from ms_defrcn.rpn_head import RpnHead

_RES4, _RES5 = 2, 3
"""Where `Layout.channels` has them."""
_ROI_SIZE = 7
"""Bins a side of a region."""
_CHUNK = 250
"""Regions that pass res5 at once in inference; bounds the memory of pictures with 1000 proposals."""


class ProposalGenerator(nn.Cell):
    """The region proposal network; `rpn_head` keeps the name it has in detectron2."""

    def __init__(self, channels: int, per_cell: int) -> None:
        super().__init__()
        self.rpn_head = RpnHead(channels, per_cell)

    def construct(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """See `RpnHead`."""
        return self.rpn_head(features)


class RoiHead(nn.Cell):
    """Regions of a picture, described (`describe`) and judged (`box_predictor`).

    Where res5 begins with 1x1 convolutions of stride 2 it sees every other bin of 7x7, so that only those 4x4 are
    read and its first block has no stride; the result is the same.

    Args:
        layout: of the residual network.
        num_classes: K.
        dropout: before the classifier.
        batch_norm: res5 learns its normalisations from batches.
    """

    def __init__(self, layout: Layout, num_classes: int, dropout: float, batch_norm: bool = False) -> None:
        super().__init__()
        step = 2 if layout.stride_in_1x1 else 1
        self.roi_align = RoiAlign(_ROI_SIZE, 1 / STRIDE, step)
        self.res5 = build_stage(layout, 5, stride=2 // step, batch_norm=batch_norm)
        self.box_predictor = BoxPredictor(layout.channels[_RES5], num_classes, dropout)

    def describe(self, features: Tensor, rois: Tensor) -> Tensor:
        """features [C4, h, w] of a picture, rois [R, 4] -> [R, C5] float32."""
        if self.training:
            return self._describe(features, rois)
        parts: tuple[Tensor, ...] = ()
        for start in range(0, rois.shape[0], _CHUNK):
            chunk = rois[start : start + _CHUNK]
            if start > 0:  # one after the other: a graph would else hold the maps of all
                chunk = ops.depend(chunk, parts[-1])
            parts += (self._describe(features, chunk),)
        return _joined(parts)

    def _describe(self, features: Tensor, rois: Tensor) -> Tensor:
        maps = self.res5(self.roi_align.of_picture(features, rois))  # [R, C5, 4, 4]
        return maps.astype(mstype.float32).mean((2, 3))


class DeFRCN(nn.Cell):
    """construct(images, sizes) -> (boxes, scores, valid): proposals, judged.

    Images are float32 [B, 3, H, W], blue green red, minus the mean (103.53, 116.28, 123.675), with zeros beside and
    below a picture that is smaller than H x W; `sizes` float32 [B, 2] are the pictures' heights and widths. B is known
    when a graph is compiled; H and W need not be. Boxes are x0 y0 x1 y1 in pixels of `images`.

    Args:
        name: model name, a key of MODELS.
        num_classes: K, without the background.
        layout: of the residual network.
        config: gradient scales, anchors, dropout, what is frozen.
        proposals: of inference; training has its own, see `training_network`.
    """

    options: Mapping[str, Any] = MappingProxyType({})
    """What else it was built with where it is not the default; a checkpoint keeps it."""

    backbone_prefixes = ("backbone.", "roi_heads.res5.")
    """Beginnings of the names of the residual network's parameters."""

    head_prefixes = ("roi_heads.box_predictor.",)
    """Beginnings of the names of those whose shapes follow the number of classes."""

    stride = STRIDE
    """Pixels to a place of the feature map."""

    def __init__(
        self, *, name: str, num_classes: int, layout: Layout, config: ModelConfig, proposals: ProposalConfig
    ) -> None:
        super().__init__()
        self.model_name = name
        self.num_classes = num_classes
        channels = layout.channels[_RES4]
        learns_norms = config.norm == "batch"
        self.backbone = Trunk(layout, config.freeze_at, learns_norms)
        self.affine_rpn = GradientDecoupledLayer(channels, config.rpn_gradient_scale)
        self.affine_rcnn = GradientDecoupledLayer(channels, config.roi_gradient_scale)
        self.anchors = AnchorGrid(config.anchor_sizes, config.anchor_ratios, STRIDE)
        self.proposal_generator = ProposalGenerator(channels, self.anchors.per_cell)
        self.roi_heads = RoiHead(layout, num_classes, config.dropout, learns_norms and not config.freeze_res5)
        self.proposals = Proposals(
            proposals.test_before_nms, proposals.test_after_nms, proposals.nms_threshold
        )
        if config.freeze_res5:
            freeze(self.roi_heads.res5)

    def features(self, images: Tensor) -> Tensor:
        """The map of res4: [B, 3, H, W] -> [B, C4, ceil(H / 16), ceil(W / 16)]."""
        return self.backbone(images)

    def rpn(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(objectness [B, A], deltas [B, A, 4]) of every anchor, ordered by y, x, anchor; raw float32."""
        return self.proposal_generator(self.affine_rpn(features))

    def roi_features(self, features: Tensor, rois: Tensor) -> Tensor:
        """What the predictor sees of regions: [B, C4, h, w], [B, R, 4] -> float32 [B * R, C5], picture by picture."""
        decoupled = self.affine_rcnn(features)
        parts: tuple[Tensor, ...] = ()
        for picture in range(rois.shape[0]):
            parts += (self.roi_heads.describe(decoupled[picture], rois[picture]),)
        return _joined(parts)

    def predict(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """[N, C5] -> (logits [N, K + 1], background last; deltas [N, 4 * K]), raw float32."""
        return self.roi_heads.box_predictor(pooled)

    def construct(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What lies where, before scores are compared and boxes that overlap are dropped (`postprocess`).

        Args:
            images: float32 [B, 3, H, W], see the class.
            sizes: float32 [B, 2], height and width of each picture inside H x W, pixels.

        Returns:
            (boxes [B, R, K, 4] within the picture, scores [B, R, K + 1] that add up to 1, valid bool [B, R]);
            R = `test_after_nms`, and of regions that are not valid nothing means anything.
        """
        features = self.features(images)
        rois, valid = self.propose(features, sizes)
        logits, deltas = self.predict(self.roi_features(features, rois))
        batch, count = rois.shape[0], rois.shape[1]
        boxes = self._decoded(rois, deltas.reshape((batch, count, self.num_classes, 4)), sizes)
        return boxes, ops.softmax(logits, -1).reshape((batch, count, self.num_classes + 1)), valid

    def propose(self, features: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor]:
        """Regions worth a look: [B, C4, h, w], [B, 2] -> (boxes [B, R, 4], valid bool [B, R])."""
        objectness, deltas = self.rpn(features)
        anchors = self.anchors(features)
        boxes: tuple[Tensor, ...] = ()
        valid: tuple[Tensor, ...] = ()
        for picture in range(sizes.shape[0]):
            box, _, real = self.proposals(objectness[picture], deltas[picture], anchors, sizes[picture])
            boxes += (box,)
            valid += (real,)
        return ops.stack(boxes), ops.stack(valid)

    def _decoded(self, rois: Tensor, deltas: Tensor, sizes: Tensor) -> Tensor:
        """[B, R, 4], [B, R, K, 4], [B, 2] -> boxes of all classes [B, R, K, 4], within the picture."""
        boxes = decode(rois.expand_dims(2), deltas, ROI_WEIGHTS)
        clipped: tuple[Tensor, ...] = ()
        for picture in range(rois.shape[0]):
            clipped += (clip(boxes[picture], sizes[picture]),)
        return ops.stack(clipped)


def _joined(parts: tuple[Tensor, ...]) -> Tensor:
    return parts[0] if len(parts) == 1 else ops.concat(parts, 0)
