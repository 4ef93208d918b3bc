"""The gradient decoupled layer (DeFRCN, arXiv 2108.09017, section 3.2)."""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor, nn, ops


class GradientScale(nn.Cell):
    """The identity, whose gradient is multiplied by `scale`.

    Args:
        scale: 0-1.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def construct(self, x: Tensor) -> Tensor:
        """x of any shape -> x."""
        return ops.identity(x)

    def bprop(self, x: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor]:
        return (dout * self.scale,)


class GradientDecoupledLayer(nn.Cell):
    """construct(x [B, C, h, w]) -> weight * x + bias, per channel; the gradient that reaches x is scaled.

    `weight` and `bias` ([1, C, 1, 1], 1 and 0 at first) get their full gradient. With scale 0 nothing reaches x, and
    the backward pass ends here.

    Args:
        channels: C.
        scale: factor on the gradient, 0-1.
    """

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        shape = (1, channels, 1, 1)
        self.scale = scale
        self.weight = Parameter(Tensor(np.ones(shape, np.float32)), name="weight")
        self.bias = Parameter(Tensor(np.zeros(shape, np.float32)), name="bias")
        self.decouple = GradientScale(scale)

    def construct(self, x: Tensor) -> Tensor:
        decoupled = ops.stop_gradient(x) if self.scale == 0 else self.decouple(x)
        return self.weight * decoupled + self.bias
