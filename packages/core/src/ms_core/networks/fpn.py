"""Feature pyramid (Lin et al. 2017) as the old zoo's `*_fpn` detectors have it: five levels from three maps."""

from collections.abc import Sequence

from mindspore import Tensor, nn, ops

from ms_core.networks.layers import PYRAMID_NORM, batch_norm, convolution


def upsample_twice(x: Tensor) -> Tensor:
    """Bilinear resize to twice the size on TensorFlow 1's grid: output cell i samples input coordinate i / 2.

    Even rows and columns are copies, odd ones the mean of their neighbours, and the last one repeats.
    Resizing with half-pixel centres (`ops.interpolate`) gives other numbers, on which no old weight was trained.

    Args:
        x: [B, C, H, W].

    Returns:
        [B, C, 2H, 2W].
    """
    batch, channels, height, width = x.shape
    below = ops.concat((x[:, :, 1:, :], x[:, :, -1:, :]), 2)
    x = ops.stack((x, (x + below) * 0.5), 3).reshape((batch, channels, 2 * height, width))
    right = ops.concat((x[:, :, :, 1:], x[:, :, :, -1:]), 3)
    return ops.stack((x, (x + right) * 0.5), 4).reshape((batch, channels, 2 * height, 2 * width))


def _smoothing(channels: int, stride: int, depthwise: bool) -> nn.SequentialCell:
    conv = convolution(channels, channels, 3, stride=stride, depthwise=depthwise)
    return nn.SequentialCell([conv, batch_norm(channels, PYRAMID_NORM), nn.ReLU6()])


class FeaturePyramid(nn.Cell):
    """Lateral 1x1 convolutions, top-down sums, and a 3x3 convolution with norm and ReLU6 on every level.

    Args:
        in_channels: of the backbone's maps C3, C4, C5 (strides 8, 16, 32).
        channels: F, of every level of the pyramid.
        depthwise: 3x3 convolutions with one kernel a channel; the lateral ones are dense in any case.
    """

    def __init__(self, in_channels: Sequence[int], channels: int, *, depthwise: bool = False) -> None:
        super().__init__()
        self.lateral_convs_list = nn.CellList([convolution(c, channels, 1, bias=True) for c in in_channels])
        self.fpn_convs_list = nn.CellList([_smoothing(channels, 1, depthwise) for _ in in_channels])

    def construct(self, features: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """(C3, C4, C5) -> (P3, P4, P5), each [B, F, H_i, W_i]; what flows on downwards is not smoothed yet."""
        top5 = self.lateral_convs_list[2](features[2])
        top4 = upsample_twice(top5) + self.lateral_convs_list[1](features[1])
        top3 = upsample_twice(top4) + self.lateral_convs_list[0](features[0])
        return (
            self.fpn_convs_list[0](top3),
            self.fpn_convs_list[1](top4),
            self.fpn_convs_list[2](top5),
        )


class CoarseLevels(nn.Cell):
    """P6 from P5 and P7 from P6, by 3x3 convolutions of stride 2 with norm and ReLU6.

    Args:
        channels: F, of every level.
        depthwise: one kernel a channel.
    """

    def __init__(self, channels: int, *, depthwise: bool = False) -> None:
        super().__init__()
        self.blocks = nn.CellList([_smoothing(channels, 2, depthwise) for _ in range(2)])

    def construct(self, p5: Tensor) -> tuple[Tensor, Tensor]:
        """[B, F, H, W] -> [B, F, ceil(H / 2), ceil(W / 2)] and half of that again."""
        p6 = self.blocks[0](p5)
        return p6, self.blocks[1](p6)
