"""SSD300 of the SSD paper (Liu et al. 2016, arXiv 1512.02325): VGG-16, six levels, 8732 default boxes."""

from typing import ClassVar

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core.detection.anchors import Anchors, scaled_anchors
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.layers import convolution
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.networks.vgg16 import VGG16

from ms_ssd.ssd_vgg16 import padded_convolution

_GRIDS = (38, 19, 10, 5, 3, 1)
_STEPS = (8, 16, 32, 64, 100, 300)
_ASPECT_RATIOS = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))
_ANCHORS_PER_CELL = (4, 6, 6, 6, 4, 4)
_CHANNELS = (512, 1024, 512, 256, 256, 256)
_MIN_PERCENT = 15
_MAX_PERCENT = 90


def paper_boxes(min_scale: float | None = None) -> Anchors:
    """The 8732 default boxes of the paper's COCO setting, or with `min_scale` 0.2 those of its VOC setting.

    Sections 2.2 and 3.4: the second level has boxes of `min_scale` (COCO 0.15, VOC 0.2), the later ones grow
    in equal steps, and conv4_3 has about half of the smallest (COCO 0.07, VOC 0.1). Whole percents, rounded
    down, as in the authors' programs: COCO gives sides of 21, 45, 99, 153, 207 and 261 pixels.

    Args:
        min_scale: box side of the second level relative to the image, 0.02-0.9; None for 0.15, because
            every published number of this package is on COCO.
    """
    smallest = _MIN_PERCENT if min_scale is None else round(100 * min_scale)
    growth = (_MAX_PERCENT - smallest) // (len(_GRIDS) - 2)
    percents = [smallest // 2, *(smallest + level * growth for level in range(len(_GRIDS)))]
    return scaled_anchors(300, _GRIDS, _STEPS, _ASPECT_RATIOS, [percent / 100 for percent in percents])


class L2Normalize(nn.Cell):
    """Each position's channels divided by their L2 norm, times a learned scale per channel (ParseNet).

    Written with elementary operations, which every export format has.

    Args:
        channels: of the map.
        scale: initial value of every channel's scale (SSD paper, section 3.1: 20).
    """

    def __init__(self, channels: int, scale: float = 20.0) -> None:
        super().__init__()
        self.scale = Parameter(Tensor(np.full(channels, scale, np.float32)))

    def construct(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same shape, float32: a sum of 512 squares may exceed what float16 holds."""
        x = ops.cast(x, mstype.float32)
        inverse_norm = ops.rsqrt((x * x).sum(1, keepdims=True) + 1e-10)
        return x * inverse_norm * self.scale.reshape((1, -1, 1, 1))


class DenseHead(PerLevelHead):
    """A 3x3 convolution with bias for boxes and one for classes on every level, directly on its feature map."""

    @staticmethod
    def branch(channels: int, outputs: int) -> nn.Cell:
        """[B, channels, H, W] -> [B, outputs, H, W]."""
        return convolution(channels, outputs, 3, bias=True)


def _pair(
    in_channels: int, hidden: int, out_channels: int, *, stride: int, padding: int
) -> nn.SequentialCell:
    """1x1 and 3x3 convolution, each with bias and ReLU: one extra level."""
    return nn.SequentialCell(
        [
            convolution(in_channels, hidden, 1, bias=True),
            nn.ReLU(),
            padded_convolution(hidden, out_channels, 3, stride=stride, padding=padding, bias=True),
            nn.ReLU(),
        ]
    )


class SSDVGG16Paper(SingleShotNetwork):
    """construct(images [B, 3, 300, 300]) -> (box_deltas [B, 8732, 4], class_logits [B, 8732, K]), float32.

    The network only: it is trained with this package's focal loss, not with the paper's softmax and hard
    negative mining. As in the paper (section 3) there is no dropout.

    Args:
        num_classes: K, background included.
        backbone_norm: batch normalisation in the trunk, which the paper does not have.
        min_scale: see `paper_boxes`; None for the COCO setting.
    """

    variants_differ: ClassVar[bool] = True

    def __init__(
        self, num_classes: int, *, backbone_norm: bool = False, min_scale: float | None = None
    ) -> None:
        super().__init__(
            name="ssd_vgg16",
            num_classes=num_classes,
            input_size=(300, 300),
            anchors=paper_boxes(min_scale),
            loss_alpha=0.75,
            loss_loc_reduce="sum",
            padding="same",  # the trunk has no strided convolution, so both styles are the same
            variant="paper",
            backbone_prefixes=("backbone.", "fc6.", "fc7."),
        )
        self.backbone = VGG16(norm=backbone_norm, bias=True)
        self.conv4_3_norm = L2Normalize(512)
        self.fc6 = padded_convolution(512, 1024, 3, padding=6, dilation=6, bias=True)
        self.fc7 = convolution(1024, 1024, 1, bias=True)
        self.relu = nn.ReLU()
        self.conv8 = _pair(1024, 256, 512, stride=2, padding=1)
        self.conv9 = _pair(512, 128, 256, stride=2, padding=1)
        self.conv10 = _pair(256, 128, 256, stride=1, padding=0)
        self.conv11 = _pair(256, 128, 256, stride=1, padding=0)
        self.multi_box = DenseHead(_CHANNELS, _ANCHORS_PER_CELL, num_classes)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        conv4_3, pool5 = self.backbone(images)
        fc7 = self.relu(self.fc7(self.relu(self.fc6(pool5))))
        conv8 = self.conv8(fc7)
        conv9 = self.conv9(conv8)
        conv10 = self.conv10(conv9)
        features = (self.conv4_3_norm(conv4_3), fc7, conv8, conv9, conv10, self.conv11(conv10))
        box_deltas, class_logits = self.multi_box(features)
        return ops.cast(box_deltas, mstype.float32), ops.cast(class_logits, mstype.float32)
