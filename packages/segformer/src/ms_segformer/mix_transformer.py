"""The hierarchical encoder, MiT (arXiv 2105.15203, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mindspore import Tensor, nn
from ms_core.train.randomness import DropPath

from ms_segformer.activation import GELU
from ms_segformer.attention import EfficientSelfAttention
from ms_segformer.linear import MapToTokens, TokensToMap
from ms_segformer.normalisation import TokenNorm

HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)
MLP_RATIO = 4
PATCH_NORM_EPS = 1e-5
BLOCK_NORM_EPS = 1e-6


class OverlapPatchEmbedding(nn.Cell):
    """Convolution whose windows overlap, then LayerNorm over channels: [B, c, H, W] -> tokens.

    Args:
        in_channels: c of the map.
        channels: C of the tokens.
        kernel: side of the square kernel, odd; padded by half of it.
        stride: step in both directions.
    """

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(
            in_channels,
            channels,
            kernel,
            stride,
            pad_mode="pad",
            padding=kernel // 2,
            has_bias=True,
            bias_init="zeros",
        )
        self.norm = TokenNorm(channels, PATCH_NORM_EPS)

    def construct(self, x: Tensor) -> tuple[Tensor, int, int]:
        """[B, c, H, W] -> (tokens [B, h * w, C], h, w) with h = ceil(H / stride), w = ceil(W / stride)."""
        x = self.proj(x)
        batch, channels, height, width = x.shape
        x = x.reshape((batch, channels, height * width)).swapaxes(1, 2)
        return self.norm(x), height, width


class DepthwiseConvolution(nn.Cell):
    """3x3 convolution of every channel by itself, padded with one zero: what tells tokens where they are."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(
            channels,
            channels,
            3,
            pad_mode="pad",
            padding=1,
            group=channels,
            has_bias=True,
            bias_init="zeros",
        )

    def construct(self, x: Tensor) -> Tensor:
        return self.dwconv(x)


class MixFeedForward(nn.Cell):
    """Linear, 3x3 depthwise convolution, exact GELU, linear; tokens [B, N, C] -> [B, N, C]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = MLP_RATIO * channels
        self.fc1 = TokensToMap(channels, hidden)
        self.dwconv = DepthwiseConvolution(hidden)
        self.act = GELU()
        self.fc2 = MapToTokens(hidden, channels)

    def construct(self, x: Tensor, height: int, width: int) -> Tensor:
        x = self.fc1(x)  # [B, 4 C, N]
        batch, hidden, tokens = x.shape
        x = self.dwconv(x.reshape((batch, hidden, height, width)))
        x = self.act(x)
        return self.fc2(x.reshape((batch, hidden, tokens)))


class Block(nn.Cell):
    """Attention and Mix-FFN, each behind a LayerNorm and added to what it was given.

    Args:
        channels: C of the tokens. heads, reduction: of the attention.
        drop_path: probability with which training skips each of the two branches, for each image.
    """

    def __init__(self, channels: int, heads: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = TokenNorm(channels, BLOCK_NORM_EPS)
        self.attn = EfficientSelfAttention(channels, heads, reduction)
        self.attn_drop_path = DropPath(drop_path)
        self.norm2 = TokenNorm(channels, BLOCK_NORM_EPS)
        self.mlp = MixFeedForward(channels)
        self.mlp_drop_path = DropPath(drop_path)

    def construct(self, x: Tensor, height: int, width: int) -> Tensor:
        """Tokens [B, height * width, C] -> the same shape."""
        x = x + self.attn_drop_path(self.attn(self.norm1(x), height, width))
        return x + self.mlp_drop_path(self.mlp(self.norm2(x), height, width))


class MixTransformer(nn.Cell):
    """construct(images [B, 3, H, W]) -> four maps at 1/4, 1/8, 1/16 and 1/32 of the size, rounded up.

    Args:
        widths: channels of the four stages.
        depths: blocks of the four stages.
        drop_path: probability of the last block; it rises evenly from 0 at the first one.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], drop_path: float) -> None:
        super().__init__()
        drops = np.linspace(0, drop_path, sum(depths)).tolist()
        ends = np.cumsum(depths).tolist()
        self.patch_embed1 = OverlapPatchEmbedding(3, widths[0], 7, 4)
        self.patch_embed2 = OverlapPatchEmbedding(widths[0], widths[1], 3, 2)
        self.patch_embed3 = OverlapPatchEmbedding(widths[1], widths[2], 3, 2)
        self.patch_embed4 = OverlapPatchEmbedding(widths[2], widths[3], 3, 2)
        for stage, (width, depth, end) in enumerate(zip(widths, depths, ends, strict=True), 1):
            blocks = [
                Block(width, HEADS[stage - 1], REDUCTIONS[stage - 1], drop)
                for drop in drops[end - depth : end]
            ]
            setattr(self, f"block{stage}", nn.CellList(blocks))
            setattr(self, f"norm{stage}", TokenNorm(width, BLOCK_NORM_EPS))

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first = self._stage(images, self.patch_embed1, self.block1, self.norm1)
        second = self._stage(first, self.patch_embed2, self.block2, self.norm2)
        third = self._stage(second, self.patch_embed3, self.block3, self.norm3)
        fourth = self._stage(third, self.patch_embed4, self.block4, self.norm4)
        return first, second, third, fourth

    def _stage(self, x: Tensor, embed: nn.Cell, blocks: nn.CellList, norm: nn.Cell) -> Tensor:
        """[B, c, H, W] -> [B, C, h, w]."""
        x, height, width = embed(x)
        for block in blocks:
            x = block(x, height, width)
        x = norm(x)
        batch, _, channels = x.shape
        return x.swapaxes(1, 2).reshape((batch, channels, height, width))
