"""The network behind the calibration of scores: a classification ResNet-101 that describes regions of a picture.

DeFRCN (arXiv 2108.09017, section 3.3) compares regions by what the classes of ImageNet say of them. The network is
torchvision's `resnet101`: built as the detector's, but with the strides in the 3x3 convolutions.
"""

from __future__ import annotations

import re

from mindspore import Tensor, nn, ops

from ms_defrcn.frozen_norm import NormedConvolution
from ms_defrcn.resnet import Bottleneck, Layout, Stem, build_stage, freeze
from ms_defrcn.roi_align import RoiAlign

STRIDE = 32
"""Pixels of the picture to a place of the last map."""
CHANNELS = 2048
"""Of the last map."""
DIMENSIONS = 1000
"""Numbers that describe a region: the logits of ImageNet's classes."""


class LateStrideBottleneck(Bottleneck):
    """A bottleneck whose stride is in the 3x3 convolution ("v1.5")."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, batch_norm: bool = False) -> None:
        super().__init__(in_channels, out_channels, stride, batch_norm)
        hidden = self.conv1.out_channels
        self.conv1 = NormedConvolution(in_channels, hidden, 1)
        self.conv2 = NormedConvolution(hidden, hidden, 3, stride)


RESNET_101 = Layout(LateStrideBottleneck, (3, 4, 23, 3), (256, 512, 1024, CHANNELS))


class PcbNetwork(nn.Cell):
    """Descriptions of regions; its convolutions are zeros until a file fills them, and nothing is ever trained.

    Its parameters have torchvision's names, which the old port kept too, with MindSpore's words for normalisations:
    layer1.0.conv1.weight, layer1.0.bn1.gamma, layer1.0.downsample.0.weight, fc.weight.

    Args:
        layout: with CHANNELS at its end; a smaller one in tests.
    """

    def __init__(self, layout: Layout = RESNET_101) -> None:
        super().__init__()
        self.stem = Stem()
        self.res2 = build_stage(layout, 2)
        self.res3 = build_stage(layout, 3)
        self.res4 = build_stage(layout, 4)
        self.res5 = build_stage(layout, 5)
        self.roi_align = RoiAlign(1, 1 / STRIDE)
        self.fc = nn.Dense(CHANNELS, DIMENSIONS, weight_init="zeros", bias_init="zeros")
        freeze(self)
        for parameter in self.get_parameters():
            parameter.name = torchvision_name(parameter.name)

    def features(self, images: Tensor) -> Tensor:
        """[1, 3, H, W] red green blue, normalised as for ImageNet -> [1, 2048, ceil(H / 32), ceil(W / 32)]."""
        return self.res5(self.res4(self.res3(self.res2(self.stem(images)))))

    def describe(self, features: Tensor, boxes: Tensor) -> Tensor:
        """What `features` gave of one picture, boxes [R, 4] x0 y0 x1 y1 in its pixels -> [R, 1000]."""
        picture = ops.zeros_like(boxes[:, 0]).astype("int32")  # every region lies in the only one
        regions = self.roi_align(features, boxes, picture)  # [R, 2048, 1, 1]
        return self.fc(regions.reshape((-1, CHANNELS)))

    def construct(self, images: Tensor, boxes: Tensor) -> Tensor:
        """Descriptions of regions of one picture; see `features` and `describe`."""
        return self.describe(self.features(images), boxes)


def torchvision_name(name: str) -> str:
    """Name of a parameter of the detector's kind of ResNet (res2.0.conv1.norm.gamma) -> layer1.0.bn1.gamma."""
    name = re.sub(r"^res(\d)", lambda stage: f"layer{int(stage[1]) - 1}", name.removeprefix("stem."))
    name = re.sub(r"conv(\d)\.norm", r"bn\1", name)
    return name.replace("shortcut.norm.", "downsample.1.").replace("shortcut.", "downsample.0.")
