"""ResNet-50 (He et al. 2015, table 1) without the classifier; strides on the 3x3 convolutions ("v1.5")."""

from mindspore import Tensor, nn

from ms_core.networks.layers import RESNET_NORM, Padding, batch_norm, convolution

_EXPANSION = 4
"""Output channels of a block over those of its 3x3 convolution."""

CHANNELS = (256, 512, 1024, 2048)
"""After layer1 to layer4; strides 4, 8, 16, 32."""

BLOCKS = (3, 4, 6, 3)
"""Blocks in layer1 to layer4."""


class Bottleneck(nn.Cell):
    """1x1, 3x3, 1x1 convolutions beside the identity, which the first block of a layer projects.

    The last normalisation starts with gamma 0, so that every block starts as the identity.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, divisible by 4.
        stride: of the 3x3 convolution and of the projection.
        projects: the input passes a 1x1 convolution before it is added.
        padding: of the 3x3 convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, *, projects: bool, padding: Padding
    ) -> None:
        super().__init__()
        hidden = out_channels // _EXPANSION
        self.conv1 = convolution(in_channels, hidden, 1)
        self.bn1 = batch_norm(hidden, RESNET_NORM)
        self.conv2 = convolution(hidden, hidden, 3, stride=stride, padding=padding)
        self.bn2 = batch_norm(hidden, RESNET_NORM)
        self.conv3 = convolution(hidden, out_channels, 1)
        self.bn3 = nn.BatchNorm2d(
            out_channels, eps=RESNET_NORM.eps, momentum=RESNET_NORM.momentum, gamma_init="zeros"
        )
        self.relu = nn.ReLU()
        self.down_sample_layer = _projection(in_channels, out_channels, stride) if projects else nn.Identity()

    def construct(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] -> [B, out_channels, ceil(H / stride), ceil(W / stride)]."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + self.down_sample_layer(x))


def _projection(in_channels: int, out_channels: int, stride: int) -> nn.SequentialCell:
    projection = convolution(in_channels, out_channels, 1, stride=stride)
    return nn.SequentialCell([projection, batch_norm(out_channels, RESNET_NORM)])


def _layer(index: int, padding: Padding) -> nn.SequentialCell:
    """layer1 (index 0) to layer4; all but the first halve the size."""
    in_channels = 64 if index == 0 else CHANNELS[index - 1]
    stride = 1 if index == 0 else 2
    first = Bottleneck(in_channels, CHANNELS[index], stride, projects=True, padding=padding)
    others = [
        Bottleneck(CHANNELS[index], CHANNELS[index], 1, projects=False, padding=padding)
        for _ in range(BLOCKS[index] - 1)
    ]
    return nn.SequentialCell([first, *others])


class ResNet50(nn.Cell):
    """The trunk with its three coarse maps.

    Args:
        padding: of the strided 7x7 and 3x3 convolutions and of the pooling.
    """

    def __init__(self, padding: Padding = "same") -> None:
        super().__init__()
        self.conv1 = convolution(3, 64, 7, stride=2, padding=padding)
        self.bn1 = batch_norm(64, RESNET_NORM)
        self.relu = nn.ReLU()
        self.pool = _first_pool(padding)
        self.layer1 = _layer(0, padding)
        self.layer2 = _layer(1, padding)
        self.layer3 = _layer(2, padding)
        self.layer4 = _layer(3, padding)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, H, W] -> [B, 512, H / 8, W / 8], [B, 1024, H / 16, W / 16], [B, 2048, H / 32, W / 32]."""
        x = self.pool(self.relu(self.bn1(self.conv1(images))))
        stride8 = self.layer2(self.layer1(x))
        stride16 = self.layer3(stride8)
        return stride8, stride16, self.layer4(stride16)


def _first_pool(padding: Padding) -> nn.Cell:
    """3x3, stride 2. Its input is not negative, so padding with 0 or with -inf is the same."""
    if padding == "torch":
        return nn.MaxPool2d(3, 2, pad_mode="pad", padding=1)
    return nn.MaxPool2d(3, 2, pad_mode="same")
