"""One device computes with it what `nn.BatchNorm2d` does; two devices: tests/train/test_data_parallel.py."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.device import Runtime
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.layers import ConvNormReLU6
from ms_core.networks.sync_batch_norm import SyncBatchNorm2d, synchronise_norms
from ms_core.optim import freeze_norms
from ms_core.precision import apply_precision

RNG = np.random.default_rng(0)
SHAPE = (3, 4, 5, 6)


class Gradients(nn.Cell):
    """construct(x, sens) -> ((gradient of x,), (gradients of gamma and beta))."""

    def __init__(self, norm: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.norm = norm
        self.weights = ms.ParameterTuple([norm.gamma, norm.beta])
        self.gradient = ops.GradOperation(get_all=True, get_by_list=True, sens_param=True)

    def construct(self, x: Tensor, sens: Tensor) -> tuple:
        return self.gradient(self.norm, self.weights)(x, sens)


def filled(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    rng = np.random.default_rng(5)
    for parameter in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance):
        parameter.set_data(Tensor(rng.uniform(0.5, 1.5, parameter.shape), ms.float32))
    return norm


@pytest.fixture
def pair() -> tuple[nn.BatchNorm2d, SyncBatchNorm2d]:
    """The same normalisation twice."""
    ms.set_context(mode=ms.GRAPH_MODE)
    plain, other = (filled(nn.BatchNorm2d(4, eps=1e-3, momentum=0.9)) for _ in range(2))
    return plain, SyncBatchNorm2d(other, world_size=1)


def test_outputs_gradients_and_statistics_are_those_of_batch_norm(pair: tuple) -> None:
    x = (RNG.standard_normal(SHAPE) * 2 + 100).astype(np.float32)  # a large mean costs no precision
    sens = RNG.standard_normal(SHAPE).astype(np.float32)
    results = []
    for norm in pair:
        norm.set_train(True)
        output = norm(Tensor(x))
        (for_x,), for_weights = Gradients(norm).set_train(True)(Tensor(x), Tensor(sens))
        results.append([a.asnumpy() for a in (output, for_x, *for_weights)])
    for expected, found in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)
    for expected, found in zip(*(norm.get_parameters() for norm in pair), strict=True):
        np.testing.assert_allclose(found.asnumpy(), expected.asnumpy(), rtol=1e-6, err_msg=found.name)
    assert abs(pair[1].moving_mean.asnumpy() - 1).min() > 5  # it moved


def test_evaluation_uses_the_moving_statistics(pair: tuple) -> None:
    x = Tensor(RNG.standard_normal(SHAPE), ms.float32)
    before = pair[1].moving_mean.asnumpy().copy()
    expected, found = (norm.set_train(False)(x).asnumpy() for norm in pair)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(pair[1].moving_mean.asnumpy(), before)


def test_frozen_statistics_are_used_and_kept_in_training(pair: tuple) -> None:
    x = Tensor(RNG.standard_normal(SHAPE), ms.float32)
    before = pair[1].moving_mean.asnumpy().copy()
    assert freeze_norms(nn.SequentialCell([pair[1]])) == 1
    expected = pair[0].set_train(False)(x).asnumpy()
    np.testing.assert_array_equal(pair[1].set_train(True)(x).asnumpy(), expected)
    np.testing.assert_array_equal(pair[1].moving_mean.asnumpy(), before)


def test_half_precision_is_normalised_in_float32() -> None:
    norm = SyncBatchNorm2d(filled(nn.BatchNorm2d(4)), world_size=1).set_train(True)
    output = norm(Tensor(RNG.standard_normal(SHAPE) + 3, ms.float16))
    assert output.dtype == ms.float32
    assert abs(norm.moving_mean.asnumpy()).max() < 10


class Detector(nn.Cell):
    """Normalisations in sequences, in lists of sequences, and as an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNormReLU6(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.multi_box = PerLevelHead((8, 8), (3, 6), 4)

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(self.stem(x))
        return self.multi_box((x, x))


def test_every_norm_is_replaced_and_checkpoints_stay_exchangeable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "AllReduce", lambda: None)  # there is one process here
    network = Detector()
    names = [parameter.name for parameter in network.get_parameters()]
    trainable = [parameter.name for parameter in network.trainable_params()]
    parameters = list(network.get_parameters())
    assert synchronise_norms(network, world_size=2) == 6
    assert not any(isinstance(cell, nn.BatchNorm2d) for _, cell in network.cells_and_names())
    assert not any(isinstance(cell, nn.BatchNorm2d) for cell in network.stem.features)
    assert [parameter.name for parameter in network.get_parameters()] == names
    assert [parameter.name for parameter in network.trainable_params()] == trainable
    assert all(a is b for a, b in zip(network.get_parameters(), parameters, strict=True))
    apply_precision(network, "fp16", Runtime("GPU", 0))


def test_with_one_device_nothing_is_replaced() -> None:
    network = Detector()
    assert synchronise_norms(network, world_size=1) == 0
    assert isinstance(network.norm, nn.BatchNorm2d)
