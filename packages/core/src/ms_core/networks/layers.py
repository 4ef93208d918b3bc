"""Convolution, batch normalisation and activation, with the padding the weights were trained with."""

from dataclasses import dataclass
from typing import Literal

from mindspore import Tensor, nn

Padding = Literal["same", "torch"]
"""`same` is TensorFlow's and the old zoo's: out = ceil(in / stride), the odd zero goes to bottom and right.
`torch` pads (kernel - 1) / 2 on every side. Sizes are the same here; only strided convolutions differ."""


@dataclass(frozen=True)
class NormSettings:
    """Constants of a batch normalisation."""

    eps: float
    """Added to the variance, > 0."""
    momentum: float
    """Share of the old moving average that is kept at each step, 0-1 (PyTorch states 1 - this)."""


MOBILENET_V2_NORM = NormSettings(eps=1e-3, momentum=0.97)
"""Used by the MobileNetV2 trunk and by the extra levels and heads of every net of the family."""

PYRAMID_NORM = NormSettings(eps=1e-5, momentum=0.9)
"""Used by feature pyramids, by the MobileNetV1 trunk and by VGG-16 where it has normalisations."""

RESNET_NORM = NormSettings(eps=1e-3, momentum=0.997)
"""Used by the ResNet-50 trunk."""


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int,
    *,
    stride: int = 1,
    depthwise: bool = False,
    bias: bool = False,
    padding: Padding = "same",
) -> nn.Conv2d:
    """A 2-D convolution on NCHW maps.

    Args:
        in_channels: channels of the input map.
        out_channels: channels of the output map; equal to `in_channels` when `depthwise`.
        kernel: side of the square kernel, odd.
        stride: step in both directions.
        depthwise: one kernel per channel.
        bias: add a bias that starts at 0 (MindSpore 2's own default is a random one).
        padding: see `Padding`.
    """
    pad_mode = "pad" if padding == "torch" else "same"
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        stride,
        pad_mode=pad_mode,
        padding=(kernel - 1) // 2 if pad_mode == "pad" else 0,
        group=in_channels if depthwise else 1,
        has_bias=bias,
        bias_init="zeros",
    )


def batch_norm(channels: int, norm: NormSettings = MOBILENET_V2_NORM) -> nn.BatchNorm2d:
    """Batch normalisation with gamma 1 and beta 0."""
    return nn.BatchNorm2d(channels, eps=norm.eps, momentum=norm.momentum)


class ConvNormReLU6(nn.Cell):
    """Convolution without bias, batch normalisation, ReLU6.

    Args: as of `convolution`, and `norm`, the constants of the normalisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        depthwise: bool = False,
        padding: Padding = "same",
        norm: NormSettings = MOBILENET_V2_NORM,
    ) -> None:
        super().__init__()
        conv = convolution(
            in_channels, out_channels, kernel, stride=stride, depthwise=depthwise, padding=padding
        )
        self.features = nn.SequentialCell([conv, batch_norm(out_channels, norm), nn.ReLU6()])

    def construct(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] -> [B, out_channels, ceil(H / stride), ceil(W / stride)]."""
        return self.features(x)
