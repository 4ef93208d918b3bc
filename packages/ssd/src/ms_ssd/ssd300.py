"""SSD at 300x300 on MobileNetV2: six levels, 1917 default boxes."""

from typing import ClassVar

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.layers import ConvNormReLU6, Padding
from ms_core.networks.mobilenet_v2 import TRUNK_CHANNELS, InvertedResidual, trunk_stages
from ms_core.networks.single_shot import SingleShotNetwork, Variant

from ms_ssd.default_boxes import ANCHORS_PER_CELL, FROM_STRIDE_16, zoo_boxes

_CHANNELS = (576, TRUNK_CHANNELS, 512, 256, 256, 128)
_EXTRA_RATIOS = (0.2, 0.25, 0.5, 0.25)  # hidden / input channels of the four extra levels

SPLIT = 14
"""Trunk stages before this one make up `features_1`, the others `features_2`."""


class MobileNetV2Backbone(nn.Cell):
    """The trunk with its two taps at strides 16 and 32.

    The first tap is a 1x1 convolution of its own on the 96-channel map. It has the shape of the expansion
    inside the next block but not its weights, and nothing flows on from it: the old checkpoints demand it so.
    """

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        stages = trunk_stages(padding)
        self.expand_layer_conv_13 = ConvNormReLU6(96, _CHANNELS[0], 1)
        self.features_1 = nn.SequentialCell(stages[:SPLIT])
        self.features_2 = nn.SequentialCell(stages[SPLIT:])

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, 300, 300] -> ([B, 576, 19, 19], [B, 1280, 10, 10])."""
        fine = self.features_1(images)
        return self.expand_layer_conv_13(fine), self.features_2(fine)


class SSD300(SingleShotNetwork):
    """construct(images [B, 3, 300, 300]) -> (box_deltas [B, 1917, 4], class_logits [B, 1917, K]), float32.

    Args:
        num_classes: K, background included.
        variant: accepted for uniformity; "zoo" and "paper" are the same network here.
        padding: of the strided convolutions in the backbone; the extra levels always pad as in the zoo.
        min_scale: box side of the first level relative to the image; None for 0.2.
    """

    normalises_one_cell: ClassVar[bool] = True

    def __init__(
        self,
        num_classes: int,
        variant: Variant = "zoo",
        padding: Padding = "same",
        *,
        min_scale: float | None = None,
    ) -> None:
        super().__init__(
            name="ssd300",
            num_classes=num_classes,
            input_size=(300, 300),
            anchors=zoo_boxes(FROM_STRIDE_16, min_scale),
            loss_alpha=0.75,
            loss_loc_reduce="sum",
            padding=padding,
            variant=variant,
            backbone_prefixes=("backbone.features_1.", "backbone.features_2."),
        )
        self.backbone = MobileNetV2Backbone(padding)
        self.multi_residual = nn.CellList(
            [
                InvertedResidual(_CHANNELS[level], _CHANNELS[level + 1], 2, ratio, last_relu=True)
                for level, ratio in enumerate(_EXTRA_RATIOS, start=1)
            ]
        )
        self.multi_box = PerLevelHead(_CHANNELS, ANCHORS_PER_CELL, num_classes)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone(images)
        feature = features[-1]
        for extra_level in self.multi_residual:
            feature = extra_level(feature)
            features += (feature,)
        box_deltas, class_logits = self.multi_box(features)
        return ops.cast(box_deltas, mstype.float32), ops.cast(class_logits, mstype.float32)
