"""SSDLite at 320x320 on MobileNetV2 with a feature pyramid: five levels, 12804 default boxes."""

from typing import ClassVar

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.detection.anchors import grid_anchors
from ms_core.networks.fpn import CoarseLevels, FeaturePyramid
from ms_core.networks.heads import WeightSharedHead
from ms_core.networks.layers import ConvNormReLU6, Padding
from ms_core.networks.mobilenet_v2 import TRUNK_CHANNELS, trunk_stages
from ms_core.networks.single_shot import SingleShotNetwork, Variant

_STEPS = (8, 16, 32, 64, 108)  # pixels; 108 and not 128: the old zoo spaced three cells over 320 pixels so
_TAP_CHANNELS = (32, 96, TRUNK_CHANNELS)
_PYRAMID_CHANNELS = 32
_ANCHORS_PER_CELL = 6

SPLITS = (7, 14)
"""First trunk stages of `features_2` and `features_3`; `features_1` begins at stage 0."""


class MobileNetV2Taps(nn.Cell):
    """The trunk with its maps at strides 8, 16 and 32.

    The first two pass a 1x1 convolution of their own, from which nothing flows on. The old checkpoints call
    it an expansion, although it keeps the number of channels.
    """

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        stages = trunk_stages(padding)
        self.expand_layer_conv_6 = ConvNormReLU6(_TAP_CHANNELS[0], _TAP_CHANNELS[0], 1)
        self.expand_layer_conv_13 = ConvNormReLU6(_TAP_CHANNELS[1], _TAP_CHANNELS[1], 1)
        self.features_1 = nn.SequentialCell(stages[: SPLITS[0]])
        self.features_2 = nn.SequentialCell(stages[SPLITS[0] : SPLITS[1]])
        self.features_3 = nn.SequentialCell(stages[SPLITS[1] :])

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, 320, 320] -> ([B, 32, 40, 40], [B, 96, 20, 20], [B, 1280, 10, 10])."""
        stride8 = self.features_1(images)
        stride16 = self.features_2(stride8)
        return (
            self.expand_layer_conv_6(stride8),
            self.expand_layer_conv_13(stride16),
            self.features_3(stride16),
        )


class MobileNetV2Pyramid(nn.Cell):
    """Five levels of 32 channels; every 3x3 convolution beyond the trunk is depthwise."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.mobilenet_v2 = MobileNetV2Taps(padding)
        self.fpn = FeaturePyramid(_TAP_CHANNELS, _PYRAMID_CHANNELS, depthwise=True)
        self.bottom_up = CoarseLevels(_PYRAMID_CHANNELS, depthwise=True)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """[B, 3, 320, 320] -> five maps [B, 32, S, S], S = 40, 20, 10, 5, 3."""
        levels = self.fpn(self.mobilenet_v2(images))
        return levels + self.bottom_up(levels[2])


class SSDLiteMobileNetV2FPN(SingleShotNetwork):
    """construct(images [B, 3, 320, 320]) -> (box_deltas [B, 12804, 4], class_logits [B, 12804, K]), float32.

    Args:
        num_classes: K, background included.
        variant: "zoo": heads of dense 3x3 convolutions, as in the old checkpoints; "paper": of
            depthwise-separable ones.
        padding: of the strided convolutions in the trunk; the pyramid always pads as in the zoo.
    """

    variants_differ: ClassVar[bool] = True

    def __init__(self, num_classes: int, variant: Variant = "zoo", padding: Padding = "same") -> None:
        super().__init__(
            name="ssdlite_mobilenetv2_fpn",
            num_classes=num_classes,
            input_size=(320, 320),
            anchors=grid_anchors(320, _STEPS),
            loss_alpha=0.75,
            loss_loc_reduce="mean",
            padding=padding,
            variant=variant,
            backbone_prefixes=tuple(f"feature_extractor.mobilenet_v2.features_{part}." for part in (1, 2, 3)),
        )
        self.multi_box = WeightSharedHead(
            len(_STEPS), _PYRAMID_CHANNELS, _ANCHORS_PER_CELL, num_classes, separable=variant == "paper"
        )
        self.feature_extractor = MobileNetV2Pyramid(padding)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        box_deltas, class_logits = self.multi_box(self.feature_extractor(images))
        return ops.cast(box_deltas, mstype.float32), ops.cast(class_logits, mstype.float32)
