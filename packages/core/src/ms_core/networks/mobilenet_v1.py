"""MobileNetV1 at width 1.0 (Howard et al. 2017, table 1): 27 stages without the classifier."""

from collections.abc import Sequence

from mindspore import Tensor, nn

from ms_core.networks.layers import PYRAMID_NORM, Padding, batch_norm, convolution

_PAIRS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
"""Output channels and stride of each depthwise-separable convolution; stages 2j - 1 and 2j are its halves."""


def _stage(
    in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, depthwise: bool, padding: Padding
) -> nn.SequentialCell:
    conv = convolution(in_channels, out_channels, kernel, stride=stride, depthwise=depthwise, padding=padding)
    return nn.SequentialCell([conv, batch_norm(out_channels, PYRAMID_NORM), nn.ReLU6()])


def _stages(padding: Padding) -> list[nn.SequentialCell]:
    stages = [_stage(3, 32, 3, stride=2, depthwise=False, padding=padding)]
    channels = 32
    for out_channels, stride in _PAIRS:
        stages.append(_stage(channels, channels, 3, stride=stride, depthwise=True, padding=padding))
        stages.append(_stage(channels, out_channels, 1, depthwise=False, padding=padding))
        channels = out_channels
    return stages


class MobileNetV1(nn.Cell):
    """The trunk with the maps behind some of its stages.

    Strides reached after stages 2, 6, 10, 22, 26: 2, 4, 8, 16, 32; channels 64, 128, 256, 512, 1024.

    Args:
        taps: stages (0-26, ascending) whose output is returned.
        padding: of the strided convolutions.
    """

    def __init__(self, taps: Sequence[int], padding: Padding = "same") -> None:
        super().__init__()
        self.network = nn.CellList(_stages(padding))
        self.taps = tuple(taps)

    def construct(self, images: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, H, W] -> the map behind every tap, fine to coarse."""
        features: tuple[Tensor, ...] = ()
        feature = images
        for index, stage in enumerate(self.network):
            feature = stage(feature)
            if index in self.taps:
                features += (feature,)
        return features
