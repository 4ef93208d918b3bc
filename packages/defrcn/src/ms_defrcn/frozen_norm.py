"""Normalisation with fixed statistics, and the convolution that it is folded into."""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

EPS = 1e-5
"""Added to the variance, as detectron2 does."""


class FrozenNorm(nn.Cell):
    """What batch normalisation is once nothing of it is trained: a factor and a summand of each channel.

    A new one changes nothing. Its four parameters have the names of a batch normalisation's, so that checkpoints of
    either fit, and `requires_grad` False. It stays in float32 with mixed precision.

    Args:
        channels: of the map.
    """

    keeps_float32 = True
    """What `ms_core.precision` goes by: variances may be too small for 16 bits."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        self.gamma = Parameter(Tensor(ones), name="gamma", requires_grad=False)
        self.beta = Parameter(Tensor(zeros), name="beta", requires_grad=False)
        self.moving_mean = Parameter(Tensor(zeros), name="moving_mean", requires_grad=False)
        self.moving_variance = Parameter(Tensor(ones - EPS), name="moving_variance", requires_grad=False)

    def construct(self) -> tuple[Tensor, Tensor]:
        """(factor, summand) of x -> factor * x + summand, float32 [C] each."""
        factor = self.gamma * ops.rsqrt(self.moving_variance + EPS)
        return factor, self.beta - self.moving_mean * factor


class NormedConvolution(nn.Conv2d):
    """A convolution without bias and the normalisation after it (`norm`), computed as one where that is frozen.

    The factor goes into the weight and the summand is added as a bias: one pass over the map where normalising it
    takes two or three, and none in the backward pass.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: side of the square kernel, odd; (kernel - 1) / 2 zeros are added on every side.
        stride: in both directions.
        batch_norm: learn the normalisation from batches, for training from nothing; its parameters keep their names.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, batch_norm: bool = False
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel,
            stride,
            pad_mode="pad",
            padding=kernel // 2,
            weight_init="zeros",
        )
        self.batch_norm = batch_norm
        self.norm = nn.BatchNorm2d(out_channels, eps=EPS) if batch_norm else FrozenNorm(out_channels)
        self.add_bias = ops.BiasAdd()

    def construct(self, x: Tensor) -> Tensor:
        """[B, in_channels, H, W] -> [B, out_channels, ceil(H / stride), ceil(W / stride)]."""
        if self.batch_norm:
            return self.norm(self.conv2d(x, self.weight))
        factor, summand = self.norm()
        weight = (self.weight * factor.reshape((-1, 1, 1, 1))).astype(x.dtype)  # 16 bits with mixed precision
        return self.add_bias(self.conv2d(x, weight), summand.astype(x.dtype))
