"""The gradient decoupled layer against the original's numbers."""

from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn, ops
from ms_defrcn.gradient_decoupling import GradientDecoupledLayer

GOLDEN = np.load(Path(__file__).parent / "golden" / "gradient_decoupling.npz")
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


class Gradients(nn.Cell):
    """construct(x, dy) -> gradients of x, weight and bias."""

    def __init__(self, layer: GradientDecoupledLayer) -> None:
        super().__init__(auto_prefix=False)
        self.layer = layer
        weights = ms.ParameterTuple([layer.weight, layer.bias])
        self.gradient = ops.GradOperation(get_all=True, get_by_list=True, sens_param=True)(layer, weights)

    def construct(self, x: Tensor, dy: Tensor) -> tuple[tuple[Tensor], tuple[Tensor, Tensor]]:
        return self.gradient(x, dy)


def layer_of(scale: float) -> GradientDecoupledLayer:
    layer = GradientDecoupledLayer(5, scale)
    layer.weight.set_data(Tensor(GOLDEN["w"]))
    layer.bias.set_data(Tensor(GOLDEN["b"]))
    return layer


@pytest.mark.parametrize("mode", [ms.PYNATIVE_MODE, ms.GRAPH_MODE])
@pytest.mark.parametrize("scale", [0.0, 0.75, 0.01, 0.001, 1.0])
def test_values_and_gradients(scale: float, mode: int) -> None:
    ms.set_context(mode=mode)
    layer, x = layer_of(scale), Tensor(GOLDEN["x"])
    np.testing.assert_allclose(layer(x).asnumpy(), GOLDEN["y"], **CLOSE)
    (of_x,), (of_weight, of_bias) = Gradients(layer)(x, Tensor(GOLDEN["gout"]))
    np.testing.assert_allclose(of_x.asnumpy(), GOLDEN[f"gx_{scale}"], **CLOSE)
    np.testing.assert_allclose(of_weight.asnumpy(), GOLDEN[f"gw_{scale}"], **CLOSE)
    np.testing.assert_allclose(of_bias.asnumpy(), GOLDEN[f"gb_{scale}"], **CLOSE)


def test_the_gradient_is_scaled_exactly() -> None:
    """By a power of two, so that nothing is rounded."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    x, dy = Tensor(GOLDEN["x"]), Tensor(GOLDEN["gout"])
    (full,), _ = Gradients(layer_of(1.0))(x, dy)
    (scaled,), _ = Gradients(layer_of(0.125))(x, dy)
    np.testing.assert_array_equal(scaled.asnumpy(), full.asnumpy() * np.float32(0.125))


def test_a_new_layer_changes_nothing() -> None:
    layer, x = GradientDecoupledLayer(5, 0.5), Tensor(GOLDEN["x"])
    np.testing.assert_array_equal(layer(x).asnumpy(), GOLDEN["x"])
    assert [(p.name, p.shape, p.requires_grad) for p in layer.get_parameters()] == [
        ("weight", (1, 5, 1, 1), True),
        ("bias", (1, 5, 1, 1), True),
    ]


class TwoBranches(nn.Cell):
    """A weight that two decoupled branches depend on."""

    def __init__(self, first: float, second: float) -> None:
        super().__init__()
        self.weight = Parameter(Tensor(np.array(3.0, np.float32)), name="weight")
        self.first, self.second = GradientDecoupledLayer(1, first), GradientDecoupledLayer(1, second)

    def construct(self, x: Tensor) -> Tensor:
        features = x * self.weight
        return self.first(features).sum() + 10 * self.second(features).sum()


def test_each_branch_has_its_own_scale() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = TwoBranches(0.0, 0.25)
    gradient = ops.GradOperation(get_by_list=True)(network, ms.ParameterTuple([network.weight]))
    (of_weight,) = gradient(Tensor(np.full((1, 1, 2, 2), 2.0, np.float32)))
    assert float(of_weight) == 8 * 10 * 0.25
