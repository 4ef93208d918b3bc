"""The residual network: frozen normalisation, sizes, what is trained."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.device import Runtime
from ms_core.precision import apply_precision
from ms_defrcn.frozen_norm import FrozenNorm, NormedConvolution
from ms_defrcn.resnet import LAYOUTS, Layout, Trunk, build_stage
from ms_defrcn.roi_align import RoiAlign


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def filled(cell: nn.Cell, seed: int = 0) -> nn.Cell:
    """With weights that keep activations near 1 and statistics that are no identity."""
    rng = np.random.default_rng(seed)
    for name, parameter in cell.parameters_and_names():
        if parameter.ndim > 1:
            values = rng.standard_normal(parameter.shape) / np.sqrt(np.prod(parameter.shape[1:]))
        elif name.endswith(("gamma", "moving_variance")):
            values = rng.uniform(0.5, 1.5, parameter.shape)
        else:
            values = rng.uniform(-0.3, 0.3, parameter.shape)
        parameter.set_data(Tensor(values.astype(np.float32)))
    return cell


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    return filled(Trunk(LAYOUTS[18]))


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (7, 2)])
def test_a_normed_convolution_is_a_convolution_and_a_batch_normalisation(kernel: int, stride: int) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    normed = filled(NormedConvolution(3, 5, kernel, stride))
    plain = nn.Conv2d(3, 5, kernel, stride, pad_mode="pad", padding=kernel // 2, has_bias=False)
    norm = nn.BatchNorm2d(5, eps=1e-5).set_train(False)
    plain.weight.set_data(normed.weight)
    for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
        getattr(norm, leaf).set_data(getattr(normed.norm, leaf))
    x = Tensor(noise(2, 3, 13, 18))
    np.testing.assert_allclose(normed(x).asnumpy(), norm(plain(x)).asnumpy(), atol=1e-5)


def test_a_new_norm_changes_nothing() -> None:
    factor, summand = FrozenNorm(4)()
    np.testing.assert_allclose(factor.asnumpy(), 1, rtol=1e-6)
    assert not summand.asnumpy().any()
    assert not any(parameter.requires_grad for parameter in FrozenNorm(4).get_parameters())


def test_mixed_precision_keeps_the_norm() -> None:
    """A variance of 1e-9 is 0 in 16 bits."""
    ms.set_context(mode=ms.GRAPH_MODE)
    normed = filled(NormedConvolution(3, 5, 3))
    normed.norm.moving_variance.set_data(Tensor(np.full(5, 1e-9, np.float32)))
    normed.norm.gamma.set_data(Tensor(np.full(5, 1e-3, np.float32)))
    x = Tensor(noise(1, 3, 8, 8))
    exact = normed(x).asnumpy()
    half = filled(NormedConvolution(3, 5, 3))
    ms.load_param_into_net(half, normed.parameters_dict())
    assert apply_precision(half, "fp16", Runtime("CPU", 0)).cells == 1
    y = half(x)
    assert y.dtype == ms.float16
    np.testing.assert_allclose(y.asnumpy(), exact, atol=5e-3 * np.abs(exact).max())


@pytest.mark.parametrize("depth", LAYOUTS)
def test_layouts(depth: int) -> None:
    layout = LAYOUTS[depth]
    convolutions = 2 if depth == 18 else 3
    assert 1 + convolutions * sum(layout.blocks) + 1 == depth
    assert layout.stride_in_1x1 == (depth != 18)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (65, 95), (33, 47)])
def test_size_of_the_map(trunk: Trunk, height: int, width: int) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    features = trunk(Tensor(noise(2, 3, height, width)))
    assert features.shape == (2, 256, -(-height // 16), -(-width // 16))
    assert 0.01 < features.asnumpy().std() < 100


def test_gradient_reaches_res4_only(trunk: Trunk) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    trained = {parameter.name for parameter in trunk.trainable_params()}
    weights = {name for name, p in trunk.parameters_and_names() if p.ndim > 1}
    assert trained == {name for name in weights if name.startswith("res4.")}
    image = Tensor(noise(1, 3, 32, 32))
    gradient = ops.GradOperation(get_by_list=True)(trunk, ms.ParameterTuple([trunk.stem.conv1.weight]))
    assert not gradient(image)[0].asnumpy().any()
    gradient = ops.GradOperation(get_by_list=True)(trunk, ms.ParameterTuple(trunk.trainable_params()))
    assert all(of_weight.asnumpy().any() for of_weight in gradient(image))


def test_left_out_bins_are_those_that_res5_does_not_see() -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    layout = Layout(LAYOUTS[50].block, (1, 1, 1, 2), (8, 16, 32, 64))
    features, rois = (
        Tensor(noise(32, 10, 12)),
        Tensor(np.array([[3, 5, 90, 70], [40, 8, 170, 150]], np.float32)),
    )
    usual, spare = filled(build_stage(layout, 5)), filled(build_stage(layout, 5, stride=1))
    all_bins = usual(RoiAlign(7, 1 / 16).of_picture(features, rois)).asnumpy()
    some_bins = spare(RoiAlign(7, 1 / 16, 2).of_picture(features, rois)).asnumpy()
    assert all_bins.shape == (2, 64, 4, 4)
    np.testing.assert_allclose(some_bins, all_bins, atol=1e-5)
