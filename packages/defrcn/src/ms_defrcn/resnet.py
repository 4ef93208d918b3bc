"""ResNet (He et al. 2015) cut for the C4 form of Faster R-CNN: the trunk up to res4, and res5 for the RoI head.

Names of the parameters are detectron2's. Residual networks of depth 50 and 101 have their strides in the first 1x1
convolution of a stage, as the published ImageNet weights of MSRA.
"""

from __future__ import annotations

from dataclasses import dataclass

from mindspore import Tensor, nn, ops

from ms_defrcn.frozen_norm import NormedConvolution

STRIDE = 16
"""Pixels of the picture to a place of the trunk's map."""

_STEM_CHANNELS = 64
_EXPANSION = 4
"""Output channels of a bottleneck over those of its 3x3 convolution."""


class _Block(nn.Cell):
    """A residual block: what `residual` makes of the input is added to it.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        stride: of the first convolution and of the shortcut.
        batch_norm: see `NormedConvolution`.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, batch_norm: bool = False) -> None:
        super().__init__()
        self.projects = in_channels != out_channels or stride != 1
        if self.projects:
            self.shortcut = NormedConvolution(in_channels, out_channels, 1, stride, batch_norm)

    def residual(self, x: Tensor) -> Tensor:
        """What is added to the input, before the last ReLU."""
        raise NotImplementedError

    def construct(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] -> [B, out_channels, ceil(H / stride), ceil(W / stride)]."""
        kept = self.shortcut(x) if self.projects else x
        return ops.relu(self.residual(x) + kept)


class BasicBlock(_Block):
    """Two 3x3 convolutions."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, batch_norm: bool = False) -> None:
        super().__init__(in_channels, out_channels, stride, batch_norm)
        self.conv1 = NormedConvolution(in_channels, out_channels, 3, stride, batch_norm)
        self.conv2 = NormedConvolution(out_channels, out_channels, 3, 1, batch_norm)

    def residual(self, x: Tensor) -> Tensor:
        return self.conv2(ops.relu(self.conv1(x)))


class Bottleneck(_Block):
    """1x1, 3x3 and 1x1 convolutions."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, batch_norm: bool = False) -> None:
        super().__init__(in_channels, out_channels, stride, batch_norm)
        hidden = out_channels // _EXPANSION
        self.conv1 = NormedConvolution(in_channels, hidden, 1, stride, batch_norm)
        self.conv2 = NormedConvolution(hidden, hidden, 3, 1, batch_norm)
        self.conv3 = NormedConvolution(hidden, out_channels, 1, 1, batch_norm)

    def residual(self, x: Tensor) -> Tensor:
        return self.conv3(ops.relu(self.conv2(ops.relu(self.conv1(x)))))


@dataclass(frozen=True)
class Layout:
    """What distinguishes a residual network of one depth."""

    block: type[BasicBlock] | type[Bottleneck]
    """Of all stages."""
    blocks: tuple[int, int, int, int]
    """Blocks in res2 to res5."""
    channels: tuple[int, int, int, int]
    """After res2 to res5."""

    @property
    def stride_in_1x1(self) -> bool:
        """The first block of a stage leaves out every other place of its input at once."""
        return self.block is Bottleneck


_BASIC, _WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)

LAYOUTS = {
    18: Layout(BasicBlock, (2, 2, 2, 2), _BASIC),
    50: Layout(Bottleneck, (3, 4, 6, 3), _WIDE),
    101: Layout(Bottleneck, (3, 4, 23, 3), _WIDE),
}
"""Depth -> layout (He et al. 2015, table 1)."""


def build_stage(
    layout: Layout, number: int, stride: int | None = None, batch_norm: bool = False
) -> nn.SequentialCell:
    """Stage res2 to res5 (`number`); its first block has `stride`, or the usual one: 1 in res2, else 2."""
    index = number - 2
    in_channels = _STEM_CHANNELS if index == 0 else layout.channels[index - 1]
    out_channels = layout.channels[index]
    first = layout.block(in_channels, out_channels, stride or (1 if index == 0 else 2), batch_norm)
    others = [
        layout.block(out_channels, out_channels, 1, batch_norm) for _ in range(layout.blocks[index] - 1)
    ]
    return nn.SequentialCell([first, *others])


class Stem(nn.Cell):
    """A 7x7 convolution with stride 2 and a 3x3 maximum with stride 2."""

    def __init__(self, batch_norm: bool = False) -> None:
        super().__init__()
        self.conv1 = NormedConvolution(3, _STEM_CHANNELS, 7, 2, batch_norm)
        self.pool = nn.MaxPool2d(3, 2, pad_mode="pad", padding=1)

    def construct(self, images: Tensor) -> Tensor:
        """[B, 3, H, W] -> [B, 64, ceil(H / 4), ceil(W / 4)]."""
        x = ops.relu(self.conv1(images))
        batch, channels, height, width = x.shape
        # Where H and W are unknown, MindSpore's pooling forgets B and the channels too.
        return self.pool(x).reshape((batch, channels, (height + 1) // 2, (width + 1) // 2))


class Trunk(nn.Cell):
    """construct(images [B, 3, H, W]) -> [B, C4, ceil(H / 16), ceil(W / 16)].

    What is frozen keeps its weights and its normalisation: `requires_grad` is False and no gradient is computed in it.

    Args:
        layout: one of `LAYOUTS`.
        freeze_at: how many of stem, res2, res3 and res4 are frozen (FREEZE_AT of detectron2).
        batch_norm: the others learn their normalisations from batches.
    """

    def __init__(self, layout: Layout, freeze_at: int = 3, batch_norm: bool = False) -> None:
        super().__init__()
        self.stem = Stem(batch_norm and freeze_at < 1)
        self.res2 = build_stage(layout, 2, batch_norm=batch_norm and freeze_at < 2)
        self.res3 = build_stage(layout, 3, batch_norm=batch_norm and freeze_at < 3)
        self.res4 = build_stage(layout, 4, batch_norm=batch_norm and freeze_at < 4)
        self.freeze_at = freeze_at
        for part in (self.stem, self.res2, self.res3, self.res4)[:freeze_at]:
            freeze(part)

    def construct(self, images: Tensor) -> Tensor:
        maps = self._passed_on(self.stem(images), 1)
        maps = self._passed_on(self.res2(maps), 2)
        maps = self._passed_on(self.res3(maps), 3)
        return self._passed_on(self.res4(maps), 4)

    def _passed_on(self, maps: Tensor, part: int) -> Tensor:
        """The maps of a part, without gradient where it is the last frozen one."""
        return ops.stop_gradient(maps) if part == self.freeze_at else maps


def freeze(cell: nn.Cell) -> None:
    """Let no parameter of `cell` be trained."""
    for parameter in cell.get_parameters():
        parameter.requires_grad = False
