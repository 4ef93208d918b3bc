"""The layers with gradients of their own, against the automatic gradients of what they stand for."""

from collections.abc import Callable

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_segformer.activation import GELU
from ms_segformer.attention import EfficientSelfAttention, SoftmaxMixture
from ms_segformer.decoder import Decoder
from ms_segformer.linear import MapToTokens, TokensToMap
from ms_segformer.normalisation import TokenNorm

Arrays = list[np.ndarray]


def drawn(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return Tensor((np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32))


class Whole(nn.Cell):
    """construct(slope, *inputs) -> (output, gradients of the inputs, gradients of the weights)."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        weights = network.trainable_params()
        self.weights = ms.ParameterTuple(weights) if weights else None
        self.gradient = ops.GradOperation(get_all=True, get_by_list=bool(weights), sens_param=True)

    def construct(self, slope: Tensor, *inputs: Tensor) -> tuple:
        output = self.network(*inputs)
        if self.weights is None:
            return output, self.gradient(self.network)(*inputs, slope), ()
        for_inputs, for_weights = self.gradient(self.network, self.weights)(*inputs, slope)
        return output, for_inputs, for_weights


def results(network: nn.Cell, *inputs: Tensor, train: bool = False) -> tuple[np.ndarray, Arrays, Arrays]:
    """Output and gradients, as a graph."""
    ms.set_context(mode=ms.GRAPH_MODE)
    network.set_train(train)
    slope = drawn(*network(*inputs).shape, seed=9)
    output, for_inputs, for_weights = Whole(network).set_train(train)(slope, *inputs)
    return output.asnumpy(), [g.asnumpy() for g in for_inputs], [g.asnumpy() for g in for_weights]


def assert_equal(
    first: nn.Cell, second: nn.Cell, *inputs: Tensor, rtol: float = 1e-5, train: bool = False
) -> None:
    """Equal outputs and gradients, relative to the largest value of each, or to 0.1 where all are small."""
    (out1, in1, w1), (out2, in2, w2) = (results(network, *inputs, train=train) for network in (first, second))
    for a, b in zip((out1, *in1, *w1), (out2, *in2, *w2), strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= rtol * max(np.abs(b).max(), 0.1)


class Function(nn.Cell):
    """A function without weights as a cell."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def construct(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


# --- GELU


def exact_gelu(x: Tensor) -> Tensor:
    return ops.gelu(x, approximate="none")


def test_gelu_is_the_exact_one() -> None:
    assert_equal(GELU(), Function(exact_gelu), drawn(7, 300, scale=3))


def test_gelu_far_out() -> None:
    output, (gradient,), _ = results(GELU(), Tensor(np.array([-1e30, -40.0, 0.0, 40.0, 1e30], np.float32)))
    slope = drawn(5, seed=9).asnumpy()
    np.testing.assert_array_equal(output, np.array([0, 0, 0, 40, 1e30], np.float32))
    np.testing.assert_allclose(gradient, slope * [0, 0, 0.5, 1, 1], atol=1e-6)


# --- normalisation


def norms(channels: int, eps: float) -> tuple[TokenNorm, nn.LayerNorm]:
    pair = TokenNorm(channels, eps), nn.LayerNorm((channels,), epsilon=eps)
    for norm in pair:
        norm.gamma.set_data(1 + drawn(channels, seed=3, scale=0.3))
        norm.beta.set_data(drawn(channels, seed=4))
    return pair


@pytest.mark.parametrize("shape", [(2, 60, 32), (1, 7, 5)])
def test_norm_is_layer_norm(shape: tuple[int, ...]) -> None:
    assert_equal(*norms(shape[-1], 1e-6), drawn(*shape, seed=1))


def test_norm_with_a_large_mean() -> None:
    assert_equal(*norms(32, 1e-5), drawn(1, 50, 32, seed=1) + 30.0, rtol=2e-4)


def test_norm_of_equal_channels() -> None:
    """No variance at all, as in a picture of one colour: the gradient is large, but a number, and of beta exact."""
    ours, theirs = norms(16, 1e-6)
    inputs = Tensor(np.full((1, 9, 16), 0.7, np.float32))
    (_, (found,), w1), (_, (expected,), w2) = (results(norm, inputs) for norm in (ours, theirs))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    np.testing.assert_allclose(w1[1], w2[1], rtol=1e-5)


def test_off_cpus_the_norm_is_mindspores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ms, "get_context", lambda key: {"device_target": "Ascend"}[key])
    norm = TokenNorm(16, 1e-6)
    monkeypatch.undo()
    assert not norm.on_cpu
    assert_equal(norm, TokenNorm(16, 1e-6), drawn(2, 9, 16))


# --- linear layers


class TransposedDense(nn.Cell):
    """`nn.Dense` with a transposition before or behind it."""

    def __init__(self, in_channels: int, out_channels: int, *, before: bool) -> None:
        super().__init__()
        self.dense = nn.Dense(in_channels, out_channels)
        self.before = before

    def construct(self, x: Tensor) -> Tensor:
        return self.dense(x.swapaxes(1, 2)) if self.before else self.dense(x).swapaxes(1, 2)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("layer", [TokensToMap, MapToTokens])
def test_linear_layers(layer: type[nn.Dense], batch: int) -> None:
    before = layer is MapToTokens
    ours, theirs = layer(8, 12), TransposedDense(8, 12, before=before)
    for network in (ours, theirs):
        for seed, parameter in enumerate(network.trainable_params()):
            parameter.set_data(drawn(*parameter.shape, seed=seed))
    assert_equal(ours, theirs, drawn(batch, 8, 20) if before else drawn(batch, 20, 8))


# --- attention


def plain_mixture(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    shares = ops.softmax(ops.matmul(query.swapaxes(2, 3), key), -1)  # [B, heads, N, M]
    return ops.matmul(shares, value.swapaxes(2, 3)).swapaxes(2, 3)


def test_mixture() -> None:
    inputs = drawn(2, 3, 8, 30, seed=1), drawn(2, 3, 8, 11, seed=2), drawn(2, 3, 8, 11, seed=3)
    assert_equal(SoftmaxMixture(), Function(plain_mixture), *inputs)


def test_the_shrunk_map_is_not_padded() -> None:
    """With r = 4, a map of 10 x 7 has keys for its first 8 x 4 places only."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    attention = EfficientSelfAttention(8, 2, 4).set_train(False)
    for seed, parameter in enumerate(attention.trainable_params()):
        parameter.set_data(drawn(*parameter.shape, seed=seed, scale=0.3))
    tokens = drawn(1, 70, 8).asnumpy()
    beyond = tokens.reshape(10, 7, 8).copy()
    beyond[8:] += 1
    beyond[:, 4:] += 1
    before, after = (
        attention(Tensor(x.reshape(1, 70, 8)), 10, 7).asnumpy().reshape(10, 7, 8) for x in (tokens, beyond)
    )
    np.testing.assert_allclose(before[:8, :4], after[:8, :4], atol=1e-6)
    assert np.abs(before[8:] - after[8:]).max() > 1e-3  # they still ask


# --- decoder


class PaperDecoder(nn.Cell):
    """The decoder in the paper's order, with the layers of ours: embed, resize, concatenate, fuse, classify."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__(auto_prefix=False)
        self.decoder = decoder
        self.convolution = ops.Conv2D(decoder.linear_fuse.conv.out_channels, 1)

    def construct(self, *maps: Tensor) -> Tensor:
        head = self.decoder
        fourth = self.embedded(head.linear_c4.proj, maps[3], maps[0])
        third = self.embedded(head.linear_c3.proj, maps[2], maps[0])
        second = self.embedded(head.linear_c2.proj, maps[1], maps[0])
        first = self.embedded(head.linear_c1.proj, maps[0], maps[0])
        stacked = ops.concat((fourth, third, second, first), 1)
        fused = self.convolution(stacked, head.linear_fuse.conv.weight)
        return head.linear_pred(ops.relu(head.linear_fuse.bn(fused)))

    def embedded(self, proj: nn.Cell, x: Tensor, like: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        x = proj(x.reshape((batch, channels, height * width)).swapaxes(1, 2)).swapaxes(1, 2)
        x = x.reshape((batch, -1, height, width))
        return ops.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


class Unpacked(nn.Cell):
    """A decoder with its maps as arguments."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__(auto_prefix=False)
        self.decoder = decoder

    def construct(self, *maps: Tensor) -> Tensor:
        return self.decoder(maps)


@pytest.mark.parametrize("train", [False, True])
def test_decoder_is_the_papers(train: bool) -> None:
    decoder = Decoder((4, 6, 8, 10), 12, 3, 0.0)
    for seed, parameter in enumerate(decoder.trainable_params()):
        parameter.set_data(drawn(*parameter.shape, seed=seed, scale=0.5))
    maps = drawn(2, 4, 13, 18), drawn(2, 6, 7, 9), drawn(2, 8, 4, 5), drawn(2, 10, 2, 3)
    assert_equal(Unpacked(decoder), PaperDecoder(decoder), *maps, rtol=5e-5, train=train)
