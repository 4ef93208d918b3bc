"""SSD at 300x300 on MobileNetV1: six levels, 1917 default boxes."""

from typing import ClassVar

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.layers import ConvNormReLU6, Padding
from ms_core.networks.mobilenet_v1 import MobileNetV1
from ms_core.networks.single_shot import SingleShotNetwork, Variant

from ms_ssd.default_boxes import ANCHORS_PER_CELL, FROM_STRIDE_16, zoo_boxes

_TAPS = (
    14,
    26,
)  # 14 is the second convolution at stride 16, not the last one, because old weights want it so
_CHANNELS = (512, 1024, 512, 256, 256, 128)


class MobileNetV1Features(nn.Cell):
    """The trunk under the name that old checkpoints give it."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.mobilenet_v1 = MobileNetV1(_TAPS, padding)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, 300, 300] -> ([B, 512, 19, 19], [B, 1024, 10, 10])."""
        return self.mobilenet_v1(images)


class SSDMobileNetV1(SingleShotNetwork):
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
            name="ssd_mobilenet_v1",
            num_classes=num_classes,
            input_size=(300, 300),
            anchors=zoo_boxes(FROM_STRIDE_16, min_scale),
            loss_alpha=0.75,
            loss_loc_reduce="sum",
            padding=padding,
            variant=variant,
            backbone_prefixes=("feature_extractor.mobilenet_v1.",),
        )
        self.multi_box = PerLevelHead(_CHANNELS, ANCHORS_PER_CELL, num_classes)
        self.feature_extractor = MobileNetV1Features(padding)
        self.multi_residual = nn.CellList(
            [
                ConvNormReLU6(_CHANNELS[level], _CHANNELS[level + 1], 3, stride=2)
                for level in range(1, len(_CHANNELS) - 1)
            ]
        )

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.feature_extractor(images)
        feature = features[-1]
        for extra_level in self.multi_residual:
            feature = extra_level(feature)
            features += (feature,)
        box_deltas, class_logits = self.multi_box(features)
        return ops.cast(box_deltas, mstype.float32), ops.cast(class_logits, mstype.float32)
