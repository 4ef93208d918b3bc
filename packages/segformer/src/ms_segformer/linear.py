"""Linear layers between the two forms a map has in a transformer.

Tokens [B, N, C] are what LayerNorm wants, channels first [B, C, N] is what convolutions and attention want. A matrix
product reads and writes either at the same cost, so these layers change the form on the way and no transposition,
which would cost as much as the product, is left.
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops


class TokensToMap(nn.Dense):
    """Linear layer over channels, tokens [B, N, in] -> channels first [B, out, N]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, bias_init="zeros")
        self.product = ops.BatchMatMul(transpose_b=True)
        self.add_bias = AddBias()

    def construct(self, x: Tensor) -> Tensor:
        weight = for_each(self.weight.astype(x.dtype), x.shape[0])  # x is in 16 bits with mixed precision
        return self.add_bias(self.product(weight, x), self.bias.astype(x.dtype))


class MapToTokens(nn.Dense):
    """Linear layer over channels, channels first [B, in, N] -> tokens [B, N, out]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, bias_init="zeros")
        self.product = ops.BatchMatMul(transpose_a=True, transpose_b=True)
        self.add_bias = AddBias(tokens=True)

    def construct(self, x: Tensor) -> Tensor:
        weight = for_each(self.weight.astype(x.dtype), x.shape[0])
        return self.add_bias(self.product(x, weight), self.bias.astype(x.dtype))


class AddBias(nn.Cell):
    """construct(x, bias [C]) -> x + bias for tokens [B, N, C] or channels first [B, C, ...].

    The gradient of the bias is a product with ones, several times faster on a CPU than MindSpore's kernel, which in
    addition refuses maps of one place.
    """

    def __init__(self, *, tokens: bool = False) -> None:
        super().__init__()
        self.tokens = tokens
        self.add = ops.BiasAdd()
        self.product = ops.MatMul()

    def construct(self, x: Tensor, bias: Tensor) -> Tensor:
        if self.tokens:
            return self.add(x.reshape((-1, x.shape[-1])), bias).reshape(x.shape)
        return self.add(x, bias)

    def bprop(self, x: Tensor, bias: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor, Tensor]:
        if self.tokens:
            rows = dout.reshape((-1, dout.shape[-1]))  # [B * N, C]
            return dout, self.product(ops.ones_like(rows[:, :1]).reshape((1, -1)), rows).reshape((-1,))
        batch, channels = dout.shape[:2]
        rows = dout.reshape((batch * channels, -1))
        totals = self.product(rows, ops.ones_like(rows[:1]).reshape((-1, 1)))
        return dout, totals.reshape((batch, channels)).sum(0)


def for_each(matrix: Tensor, count: int) -> Tensor:
    """[n, m] -> [count, n, m], the same matrix for each of `count` others it is to be multiplied with."""
    known = ops.isconstant(count)
    # Two conditions: an unknown number would make the second one a branch of the graph.
    if known:  # noqa: SIM102
        if count == 1:
            return matrix.expand_dims(0)
    return ops.broadcast_to(matrix.expand_dims(0), (count, *matrix.shape))
