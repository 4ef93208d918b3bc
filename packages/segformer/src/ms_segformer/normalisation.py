"""LayerNorm over the channels of tokens, with a faster gradient on CPUs."""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn, ops


class TokenNorm(nn.LayerNorm):
    """`nn.LayerNorm` over the last axis of [B, N, C]; same parameters, same numbers.

    MindSpore's gradient kernel for CPUs works in one thread and takes four times as long as the forward one; there, the
    gradient is made of matrix products and elementwise operations.

    Args:
        channels: C.
        eps: added to the variance.
    """

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__((channels,), epsilon=eps)
        self.on_cpu = ms.get_context("device_target") == "CPU"
        if self.on_cpu:
            self.normalise = _Normalise(eps)

    def construct(self, input_x: Tensor) -> Tensor:
        if self.on_cpu:
            return self.normalise(input_x, self.gamma, self.beta)[0]
        return super().construct(input_x)


class _Normalise(nn.Cell):
    """construct(x [B, N, C], gamma [C], beta [C]) -> (y, mean, variance); the gradient is that of y."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.layer_norm = ops.LayerNorm(-1, -1, eps)
        self.product = ops.MatMul()

    def construct(self, x: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.layer_norm(x, gamma, beta)

    def bprop(
        self,
        x: Tensor,
        gamma: Tensor,
        beta: Tensor,
        out: tuple[Tensor, Tensor, Tensor],
        dout: tuple[Tensor, Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, Tensor]:
        channels = x.shape[-1]
        slope = dout[0].reshape((-1, channels))  # [R, C]
        scale = ops.rsqrt(out[2].reshape((-1, 1)) + self.eps)  # [R, 1]
        centred = x.reshape((-1, channels)) - out[1].reshape((-1, 1))
        moment = slope * centred
        share = gamma.reshape((channels, 1)) / channels
        mean_slope = self.product(slope, share) * scale  # [R, 1]
        mean_moment = self.product(moment, share) * scale * scale * scale
        gradient = slope * self.product(scale, gamma.reshape((1, channels)))
        gradient = gradient - (centred * mean_moment + mean_slope)
        ones = ops.ones_like(scale).reshape((1, -1))
        for_gamma = self.product(scale.reshape((1, -1)), moment)
        return gradient.reshape(x.shape), for_gamma.reshape((-1,)), self.product(ones, slope).reshape((-1,))
