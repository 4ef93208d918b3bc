"""VGG-16 (Simonyan & Zisserman 2014, configuration D) as SSD cuts and changes it: five stages, no classifier."""

from mindspore import Tensor, nn

from ms_core.networks.layers import PYRAMID_NORM, batch_norm, convolution

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Output channels of the convolutions of each stage."""


def _stage(in_channels: int, channels: tuple[int, ...], *, norm: bool, bias: bool) -> nn.SequentialCell:
    cells: list[nn.Cell] = []
    for out_channels in channels:
        cells.append(convolution(in_channels, out_channels, 3, bias=bias))
        if norm:
            cells.append(batch_norm(out_channels, PYRAMID_NORM))
        cells.append(nn.ReLU())
        in_channels = out_channels
    return nn.SequentialCell(cells)


class VGG16(nn.Cell):
    """The trunk with the two maps SSD goes on from.

    Pooling rounds sizes up (75 -> 38), as SSD's Caffe does and torchvision does not. The last pooling is 3x3
    with stride 1 and so keeps the size, because the dilated convolution behind it replaces a stride of 2.

    Args:
        norm: batch normalisation between convolution and ReLU.
        bias: convolutions have a bias.
    """

    def __init__(self, *, norm: bool = False, bias: bool = False) -> None:
        super().__init__()
        self.b1 = _stage(3, STAGES[0], norm=norm, bias=bias)
        self.b2 = _stage(STAGES[0][-1], STAGES[1], norm=norm, bias=bias)
        self.b3 = _stage(STAGES[1][-1], STAGES[2], norm=norm, bias=bias)
        self.b4 = _stage(STAGES[2][-1], STAGES[3], norm=norm, bias=bias)
        self.b5 = _stage(STAGES[3][-1], STAGES[4], norm=norm, bias=bias)
        self.halve = nn.MaxPool2d(2, 2, pad_mode="same")
        self.last_pool = nn.MaxPool2d(3, 1, pad_mode="same")

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, H, W] -> (conv4_3 [B, 512, H / 8, W / 8], pool5 [B, 512, H / 16, W / 16]), rounded up."""
        x = self.halve(self.b1(images))
        x = self.halve(self.b2(x))
        conv4_3 = self.b4(self.halve(self.b3(x)))
        return conv4_3, self.last_pool(self.b5(self.halve(conv4_3)))
