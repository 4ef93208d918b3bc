"""The all-MLP decoder (arXiv 2105.15203, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from mindspore import Tensor, nn, ops
from ms_core.train.randomness import ChannelDropout

from ms_segformer.bilinear import sum_resized
from ms_segformer.linear import AddBias, for_each

NORM_EPS = 1e-5
NORM_MOMENTUM = 0.9
"""Share of the old moving statistics that is kept (PyTorch calls that a momentum of 0.1)."""


class LinearEmbedding(nn.Cell):
    """Holds a linear layer over the channels of a map; `FusingConvolution` computes it."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.proj = nn.Dense(in_channels, channels, bias_init="zeros")


class FusingConvolution(nn.Conv2d):
    """The 1x1 convolution over the embedded, resized and concatenated maps, computed before they are resized.

    A 1x1 convolution mixes channels and a bilinear resize mixes places, so either may come first; and two linear maps
    in a row are one, whose matrix is their product. So each map is multiplied with one small matrix at its own size and
    only the sum is made at the size of the first one: for B0 a sixteenth of the work, without the concatenation, the
    largest array of the network. Weights are those of the paper's layers, and so are their gradients.

    Args:
        channels: E.
        maps: number of maps.
    """

    def __init__(self, channels: int, maps: int) -> None:
        super().__init__(maps * channels, channels, 1, has_bias=False)
        self.maps = maps
        self.add_bias = AddBias()

    def construct(
        self, maps: tuple[Tensor, ...], weights: tuple[Tensor, ...], biases: tuple[Tensor, ...]
    ) -> Tensor:
        """Maps [B, c_i, h_i, w_i], weights [E, c_i] and biases [E] of their embeddings -> [B, E, h_m, w_m].

        The last map has the size of the result; the order is that of the concatenation.
        """
        whole = self.weight.reshape((self.out_channels, -1))
        parts = whole.split(self.out_channels, 1)  # [E, E] each
        mixed: tuple[Tensor, ...] = ()
        for index in range(self.maps):
            mixed = (*mixed, _mixed(ops.matmul(parts[index], weights[index]), maps[index]))
        bias = ops.matmul(whole, ops.concat(biases, 0).expand_dims(1)).reshape((-1,))
        return self.add_bias(mixed[-1], bias) + sum_resized(mixed[:-1], maps[-1].shape[-2:])


def _mixed(matrix: Tensor, x: Tensor) -> Tensor:
    """Matrix [E, c], map [B, c, h, w] -> [B, E, h, w]."""
    batch, channels, height, width = x.shape
    x = ops.bmm(for_each(matrix, batch), x.reshape((batch, channels, height * width)))
    return x.reshape((batch, -1, height, width))


class Fusion(nn.Cell):
    """1x1 convolution without bias, batch normalisation, ReLU.

    Args:
        channels: E.
        maps: number of maps that are fused.
    """

    def __init__(self, channels: int, maps: int) -> None:
        super().__init__()
        self.conv = FusingConvolution(channels, maps)
        self.bn = nn.BatchNorm2d(channels, eps=NORM_EPS, momentum=NORM_MOMENTUM)

    def construct(
        self, maps: tuple[Tensor, ...], weights: tuple[Tensor, ...], biases: tuple[Tensor, ...]
    ) -> Tensor:
        """See `FusingConvolution`."""
        return ops.relu(self.bn(self.conv(maps, weights, biases)))


class Decoder(nn.Cell):
    """construct(four maps) -> logits [B, K, h1, w1] at the size of the first map.

    Args:
        in_channels: of the four maps.
        width: E, channels of the decoder.
        num_classes: K.
        dropout: probability with which training drops a channel before the classifier.
    """

    def __init__(self, in_channels: Sequence[int], width: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.linear_c4 = LinearEmbedding(in_channels[3], width)
        self.linear_c3 = LinearEmbedding(in_channels[2], width)
        self.linear_c2 = LinearEmbedding(in_channels[1], width)
        self.linear_c1 = LinearEmbedding(in_channels[0], width)
        self.linear_fuse = Fusion(width, 4)
        self.dropout = ChannelDropout(dropout)
        self.linear_pred = nn.Conv2d(width, num_classes, 1, has_bias=True, bias_init="zeros")

    def construct(self, features: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
        first, second, third, fourth = features
        embeddings = (self.linear_c4.proj, self.linear_c3.proj, self.linear_c2.proj, self.linear_c1.proj)
        weights: tuple[Tensor, ...] = ()
        biases: tuple[Tensor, ...] = ()
        for embedding in embeddings:
            weights = (*weights, embedding.weight)
            biases = (*biases, embedding.bias)
        fused = self.linear_fuse((fourth, third, second, first), weights, biases)
        return self.linear_pred(self.dropout(fused))
