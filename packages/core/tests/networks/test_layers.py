"""Convolution layers: sizes, padding, names."""

import numpy as np
import pytest
from mindspore import Tensor
from ms_core.networks.layers import ConvNormReLU6, Padding, batch_norm, convolution


def padded_convolution(
    image: np.ndarray, kernel: np.ndarray, before: int, after: int, stride: int
) -> np.ndarray:
    """Plain loops: image [H, W] padded with `before` zeros at top and left, `after` at bottom and right."""
    padded = np.pad(image, (before, after))
    side = (padded.shape[0] - kernel.shape[0]) // stride + 1
    result = np.empty((side, side))
    for y in range(side):
        for x in range(side):
            window = padded[
                y * stride : y * stride + kernel.shape[0], x * stride : x * stride + kernel.shape[1]
            ]
            result[y, x] = (window * kernel).sum()
    return result


@pytest.mark.parametrize(
    ("padding", "size", "before", "after"),
    [("same", 10, 0, 1), ("same", 5, 1, 1), ("torch", 10, 1, 1), ("torch", 5, 1, 1)],
)
def test_strided_convolution_pads_where_its_weights_expect(
    padding: Padding, size: int, before: int, after: int, rng: np.random.Generator
) -> None:
    conv = convolution(1, 1, 3, stride=2, padding=padding)
    image = rng.standard_normal((size, size)).astype(np.float32)
    found = conv(Tensor(image[None, None])).asnumpy()[0, 0]
    expected = padded_convolution(image, conv.weight.asnumpy()[0, 0], before, after, stride=2)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_without_stride_the_paddings_agree(rng: np.random.Generator) -> None:
    same, torch = convolution(2, 3, 3), convolution(2, 3, 3, padding="torch")
    torch.weight.set_data(same.weight.value())
    image = Tensor(rng.standard_normal((1, 2, 7, 7)).astype(np.float32))
    np.testing.assert_allclose(same(image).asnumpy(), torch(image).asnumpy(), atol=1e-6)


def test_bias_starts_at_zero() -> None:
    assert not convolution(2, 3, 1, bias=True).bias.asnumpy().any()


def test_depthwise_keeps_channels_apart(rng: np.random.Generator) -> None:
    conv = convolution(4, 4, 3, depthwise=True)
    assert conv.weight.shape == (4, 1, 3, 3)
    image = np.zeros((1, 4, 5, 5), np.float32)
    image[:, 2] = rng.standard_normal((5, 5))
    touched = np.abs(conv(Tensor(image)).asnumpy()).sum((0, 2, 3)) > 0
    assert touched.tolist() == [False, False, True, False]


def test_moving_average_keeps_97_percent() -> None:
    """MindSpore's momentum is the share kept, PyTorch's the share replaced."""
    norm = batch_norm(1).set_train(True)
    norm(Tensor(np.full((2, 1, 2, 2), 10, np.float32)))
    np.testing.assert_allclose(norm.moving_mean.asnumpy(), [0.3], rtol=1e-5)
    assert norm.eps == 1e-3


def test_names_and_activation(rng: np.random.Generator) -> None:
    cell = ConvNormReLU6(3, 8, 3, stride=2)
    names = [
        "features.0.weight",
        *(f"features.1.{leaf}" for leaf in ("moving_mean", "moving_variance", "gamma", "beta")),
    ]
    assert [parameter.name for parameter in cell.get_parameters()] == names
    result = cell(Tensor(100 * rng.standard_normal((1, 3, 9, 9)).astype(np.float32))).asnumpy()
    assert result.shape == (1, 8, 5, 5)
    assert (result.min(), result.max()) == (0, 6)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
