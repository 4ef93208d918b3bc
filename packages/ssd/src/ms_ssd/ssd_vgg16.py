"""SSD at 300x300 on VGG-16 as the old model zoo has it: six levels, 7308 default boxes."""

from typing import ClassVar

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.layers import convolution
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.networks.vgg16 import VGG16
from ms_core.train.randomness import Dropout

from ms_ssd.default_boxes import ANCHORS_PER_CELL, FROM_STRIDE_8, zoo_boxes

_CHANNELS = (512, 1024, 512, 256, 256, 256)


def padded_convolution(
    in_channels: int,
    out_channels: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    bias: bool = False,
) -> nn.Conv2d:
    """A convolution with `padding` zeros on every side."""
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        stride,
        pad_mode="pad",
        padding=padding,
        dilation=dilation,
        has_bias=bias,
        bias_init="zeros",
    )


class SSDVGG16(SingleShotNetwork):
    """construct(images [B, 3, 300, 300]) -> (box_deltas [B, 7308, 4], class_logits [B, 7308, K]), float32.

    Not the SSD paper's network (that is `SSDVGG16Paper`): no biases, no L2 normalisation of the first level,
    no activation behind the trunk, depthwise heads, padding in the 1x1 convolutions b8_1 and b9_1 instead of
    in the strided ones behind them. The old checkpoints demand it so.

    Args:
        num_classes: K, background included.
        backbone_norm: batch normalisation in the trunk (`ssd_vgg_bn` of the old zoo).
        min_scale: box side of the first level relative to the image; None for 0.2.
    """

    variants_differ: ClassVar[bool] = True
    normalises_one_cell: ClassVar[bool] = True

    def __init__(
        self, num_classes: int, *, backbone_norm: bool = False, min_scale: float | None = None
    ) -> None:
        super().__init__(
            name="ssd_vgg16",
            num_classes=num_classes,
            input_size=(300, 300),
            anchors=zoo_boxes(FROM_STRIDE_8, min_scale),
            loss_alpha=0.75,
            loss_loc_reduce="sum",
            padding="same",  # the trunk has no strided convolution, so both styles are the same
            variant="zoo",
            backbone_prefixes=("backbone.",),
        )
        self.backbone = VGG16(norm=backbone_norm)
        self.b6_1 = padded_convolution(512, 1024, 3, padding=6, dilation=6)
        self.b6_2 = Dropout(0.5)
        self.b7_1 = convolution(1024, 1024, 1)
        self.b7_2 = Dropout(0.5)
        self.b8_1 = padded_convolution(1024, 256, 1, padding=1)
        self.b8_2 = padded_convolution(256, 512, 3, stride=2)
        self.b9_1 = padded_convolution(512, 128, 1, padding=1)
        self.b9_2 = padded_convolution(128, 256, 3, stride=2)
        self.b10_1 = convolution(256, 128, 1)
        self.b10_2 = padded_convolution(128, 256, 3)
        self.b11_1 = convolution(256, 128, 1)
        self.b11_2 = padded_convolution(128, 256, 3)
        self.multi_box = PerLevelHead(_CHANNELS, ANCHORS_PER_CELL, num_classes)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        level1, x = self.backbone(images)
        x = self.b6_2(self.b6_1(x))
        level2 = self.b7_2(self.b7_1(x))
        level3 = self.b8_2(self.b8_1(level2))
        level4 = self.b9_2(self.b9_1(level3))
        level5 = self.b10_2(self.b10_1(level4))
        level6 = self.b11_2(self.b11_1(level5))
        box_deltas, class_logits = self.multi_box((level1, level2, level3, level4, level5, level6))
        return ops.cast(box_deltas, mstype.float32), ops.cast(class_logits, mstype.float32)
