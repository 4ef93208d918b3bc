"""Efficient self-attention (arXiv 2105.15203, section 3.1): keys and values come from a shrunk map."""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_segformer.linear import MapToTokens, TokensToMap
from ms_segformer.normalisation import TokenNorm

ATTENTION_NORM_EPS = 1e-5


class EfficientSelfAttention(nn.Cell):
    """Multi-head attention over the tokens of a map.

    Args:
        channels: C of the tokens.
        heads: divides C.
        reduction: r; keys and values come from the map convolved r x r with stride r and without padding, so rows
            and columns beyond a multiple of r have no part in them. 1: from the map itself.
    """

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.head_channels = channels // heads
        self.reduction = reduction
        self.q = TokensToMap(channels, channels)
        self.kv = TokensToMap(channels, 2 * channels)
        self.proj = MapToTokens(channels, channels)
        self.mixture = SoftmaxMixture()
        if reduction > 1:
            self.sr = nn.Conv2d(
                channels, channels, reduction, reduction, pad_mode="valid", has_bias=True, bias_init="zeros"
            )
            self.norm = TokenNorm(channels, ATTENTION_NORM_EPS)

    def construct(self, x: Tensor, height: int, width: int) -> Tensor:
        """Tokens [B, height * width, C] -> [B, height * width, C]."""
        batch, tokens, channels = x.shape
        source = self._shrunk(x, height, width) if self.reduction > 1 else x  # [B, M, C]
        query = self.q(x).reshape((batch, self.heads, self.head_channels, tokens))
        key_value = self.kv(source).reshape((batch, 2 * self.heads, self.head_channels, -1))
        key, value = ops.split(key_value, self.heads, 1)  # [B, heads, C / heads, M]
        mixed = self.mixture(query, key * self.head_channels**-0.5, value)  # [B, heads, C / heads, N]
        return self.proj(mixed.reshape((batch, channels, tokens)))

    def _shrunk(self, x: Tensor, height: int, width: int) -> Tensor:
        """Tokens [B, height * width, C] -> [B, (height // r) * (width // r), C]."""
        batch, _, channels = x.shape
        x = self.sr(x.swapaxes(1, 2).reshape((batch, channels, height, width)))
        return self.norm(x.reshape((batch, channels, -1)).swapaxes(1, 2))


class SoftmaxMixture(nn.Cell):
    """construct(query, key, value) -> values mixed by softmax(query . key).

    Query is [B, heads, D, N], already scaled or not; key and value are [B, heads, D, M]; the result is as the query.
    Shares are computed in float32. They are the largest arrays of training, so the gradient computes them anew instead
    of keeping them for every block, which costs 3 % of a step. It uses that the rows of shares times their gradient sum
    to those of the result times its gradient, which are shorter, and takes that sum off inside the product that makes
    the gradient of the shares.
    """

    def __init__(self) -> None:
        super().__init__()
        self.product = ops.BatchMatMul()
        self.product_ta = ops.BatchMatMul(transpose_a=True)
        self.product_tb = ops.BatchMatMul(transpose_b=True)
        self.softmax = ops.Softmax(-1)

    def construct(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return self.product_tb(value, self._shares(query, key))

    def _shares(self, query: Tensor, key: Tensor) -> Tensor:
        """[B, heads, N, M], rows sum to 1."""
        scores = self.product_ta(query, key)
        return self.softmax(scores.astype(mstype.float32)).astype(query.dtype)

    def bprop(
        self, query: Tensor, key: Tensor, value: Tensor, out: Tensor, dout: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Made to depend on the gradient, or the compiler would see the expression of the forward pass and keep that.
        shares = self._shares(ops.depend(query, dout), key)
        total = self.product(-ops.ones_like(out[:, :, :, :1]).swapaxes(2, 3), dout * out)  # [B, heads, 1, N]
        ones = ops.ones_like(value[:, :, :1])  # [B, heads, 1, M]
        centred = self.product_ta(ops.concat((dout, total), 2), ops.concat((value, ones), 2))
        for_scores = shares * centred
        return (
            self.product_tb(key, for_scores),
            self.product(query, for_scores),
            self.product(dout, shares),
        )
