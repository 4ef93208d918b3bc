"""Dropout as a function of seed, step, layer and element."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn, ops
from ms_core.train.randomness import ChannelDropout, Dropout, DropPath, connect_random_cells

ONES = Tensor(np.ones((64, 10, 10), np.float32))


class TwoLayers(nn.Cell):
    """construct(x) -> both layers' outputs of the same input."""

    def __init__(self, first: nn.Cell, second: nn.Cell) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.first(x), self.second(x)


def masks(step: int, *, seed: int = 1, rank: int = 0, p: float = 0.3) -> list[np.ndarray]:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = TwoLayers(Dropout(p), Dropout(p))
    network.set_train(True)
    counter = Parameter(Tensor(step, ms.int32), name="train.step", requires_grad=False)
    connect_random_cells(network, counter, seed=seed, rank=rank)
    return [out.asnumpy() for out in network(ONES)]


def test_masks_repeat_and_differ_in_step_layer_seed_and_rank() -> None:
    first, second = masks(5)
    np.testing.assert_array_equal(masks(5)[0], first)
    for other in (second, masks(6)[0], masks(5, seed=2)[0], masks(5, rank=1)[0]):
        agreement = np.mean((first == 0) == (other == 0))
        assert abs(agreement - (0.3**2 + 0.7**2)) < 0.03


def test_share_and_scale() -> None:
    first, _ = masks(0)
    assert abs((first == 0).mean() - 0.3) < 0.02
    np.testing.assert_allclose(first[first != 0], 1 / 0.7, rtol=1e-6)
    assert (first.reshape(64, -1) == 0).any(1).all()


def test_numbers_are_uniform_and_uncorrelated() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    cell = Dropout(0.5)
    cell.connect(Parameter(Tensor(3, ms.int32), name="train.step", requires_grad=False), 17)
    numbers = cell.uniform((100_000,)).asnumpy()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, 20, (0, 1))
    assert np.abs(counts / 5000 - 1).max() < 0.06
    for lag in (1, 2, 10, 100):
        assert abs(np.corrcoef(numbers[:-lag], numbers[lag:])[0, 1]) < 0.015


def test_drop_path_drops_whole_samples() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = TwoLayers(DropPath(0.5), DropPath(0.5))
    network.set_train(True)
    connect_random_cells(
        network, Parameter(Tensor(0, ms.int32), name="train.step", requires_grad=False), seed=1
    )
    rows = network(ONES)[0].asnumpy().reshape(64, -1)
    assert {tuple(np.unique(row)) for row in rows} == {(0.0,), (2.0,)}


def test_the_gradient_is_the_mask() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    cell = Dropout(0.4)
    cell.set_train(True)
    cell.connect(Parameter(Tensor(2, ms.int32), name="train.step", requires_grad=False), 5)
    np.testing.assert_array_equal(ops.grad(cell)(ONES).asnumpy(), cell(ONES).asnumpy())


def test_evaluation_changes_nothing_and_training_needs_a_step() -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    cell = Dropout(0.5)
    np.testing.assert_array_equal(cell(ONES).asnumpy(), ONES.asnumpy())
    cell.set_train(True)
    with pytest.raises(RuntimeError, match="TrainStep"):
        cell(ONES)
    with pytest.raises(ValueError, match="not 1"):
        Dropout(1.5)


def test_channel_dropout_drops_whole_channels() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = TwoLayers(ChannelDropout(0.5), ChannelDropout(0.5))
    network.set_train(True)
    connect_random_cells(
        network, Parameter(Tensor(0, ms.int32), name="train.step", requires_grad=False), seed=1
    )
    rows = network(ONES)[0].asnumpy().reshape(64 * 10, 10)
    assert {tuple(np.unique(row)) for row in rows} == {(0.0,), (2.0,)}
    assert len({tuple(sample[:, 0]) for sample in rows.reshape(64, 10, 10)}) > 50  # each picture its own
