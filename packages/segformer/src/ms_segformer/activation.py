"""The exact GELU (arXiv 1606.08415) with a gradient that costs half of the automatic one."""

from __future__ import annotations

import math

from mindspore import Tensor, nn, ops


class GELU(nn.Cell):
    """x times the share of a standard normal distribution below x (by erf, not the tanh form); any shape."""

    def __init__(self) -> None:
        super().__init__()
        self.gated = _Gated()

    def construct(self, x: Tensor) -> Tensor:
        return self.gated(x)[0]


class _Gated(nn.Cell):
    """construct(x) -> (GELU of x, the share it multiplies x with); the gradient is that of the first."""

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
        share = ops.erf(x * math.sqrt(0.5)) * 0.5 + 0.5
        return x * share, share

    def bprop(self, x: Tensor, out: tuple[Tensor, Tensor], dout: tuple[Tensor, Tensor]) -> tuple[Tensor]:
        density = ops.exp(ops.square(x) * -0.5) * (1 / math.sqrt(2 * math.pi))
        return (dout[0] * (out[1] + x * density),)
