"""MobileNetV2 at width 1.0 (Sandler et al. 2018, table 2): 19 stages without the classifier."""

from typing import NamedTuple

from mindspore import Tensor, nn

from ms_core.networks.layers import ConvNormReLU6, Padding, batch_norm, convolution


class _Group(NamedTuple):
    expansion: int
    channels: int
    repeats: int
    stride: int  # of the first block; the others have stride 1


_GROUPS = (
    _Group(1, 16, 1, 1),
    _Group(6, 24, 2, 2),
    _Group(6, 32, 3, 2),
    _Group(6, 64, 4, 2),
    _Group(6, 96, 3, 1),
    _Group(6, 160, 3, 2),
    _Group(6, 320, 1, 1),
)

TRUNK_STAGES = 2 + sum(group.repeats for group in _GROUPS)
"""Stages 0 (first convolution) to 18 (last 1x1 convolution)."""

TRUNK_CHANNELS = 1280
"""Channels after stage 18."""


class InvertedResidual(nn.Cell):
    """[1x1 expansion], 3x3 depthwise, 1x1 projection without activation; input added if shapes permit.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: of the depthwise convolution.
        expansion: hidden channels = round(in_channels * expansion); 1 leaves the first convolution out.
        last_relu: end in a ReLU6, as SSD's extra levels do.
        padding: of the depthwise convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        expansion: float,
        *,
        last_relu: bool = False,
        padding: Padding = "same",
    ) -> None:
        super().__init__()
        hidden = round(in_channels * expansion)
        expand = [] if expansion == 1 else [ConvNormReLU6(in_channels, hidden, 1)]
        self.conv = nn.SequentialCell(
            [
                *expand,
                ConvNormReLU6(hidden, hidden, 3, stride=stride, depthwise=True, padding=padding),
                convolution(hidden, out_channels, 1),
                batch_norm(out_channels),
            ]
        )
        self.adds_input = stride == 1 and in_channels == out_channels
        self.last_relu = nn.ReLU6() if last_relu else None

    def construct(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] -> [B, out_channels, ceil(H / stride), ceil(W / stride)]."""
        y = self.conv(x)
        if self.adds_input:
            y = x + y
        if self.last_relu is not None:
            y = self.last_relu(y)
        return y


def trunk_stages(padding: Padding = "same") -> list[nn.Cell]:
    """The 19 stages in order, for a net to divide where it takes its feature maps.

    Strides reached after stages 0, 3, 6, 13, 18: 2, 4, 8, 16, 32; channels 32, 24, 32, 96, 1280.
    Every stage is a cell [B, C, H, W] -> [B, C', H', W'].
    """
    stages: list[nn.Cell] = [ConvNormReLU6(3, 32, 3, stride=2, padding=padding)]
    channels = 32
    for group in _GROUPS:
        for repeat in range(group.repeats):
            stride = group.stride if repeat == 0 else 1
            block = InvertedResidual(channels, group.channels, stride, group.expansion, padding=padding)
            stages.append(block)
            channels = group.channels
    stages.append(ConvNormReLU6(channels, TRUNK_CHANNELS, 1))
    return stages
