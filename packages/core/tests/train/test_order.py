"""The order of samples over a run."""

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.train.order import BatchOrder


def test_every_epoch_shows_every_sample_once_in_another_order() -> None:
    order = BatchOrder(10, batch_size=2, epochs=2, seed=1)
    epochs = [np.concatenate([order.indices(s) for s in range(e * 5, e * 5 + 5)]) for e in (0, 1)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(10))
    assert list(epochs[0]) != list(epochs[1])
    assert [order.epoch_of(s) for s in (0, 4, 5)] == [0, 0, 1]


def test_a_step_is_the_same_whatever_was_asked_before() -> None:
    first, second = (BatchOrder(10, batch_size=3, epochs=4, seed=2) for _ in range(2))
    for step in (7, 0, 3):
        first.indices(step)
    np.testing.assert_array_equal(first.indices(9), second.indices(9))


def test_ranks_share_an_epoch_without_overlap() -> None:
    ranks = [BatchOrder(10, batch_size=2, epochs=1, seed=1, rank=rank, world_size=2) for rank in (0, 1)]
    seen = [int(i) for order in ranks for step in range(order.steps_per_epoch) for i in order.indices(step)]
    assert len(seen) == len(set(seen)) == 8  # the rest waits for another epoch


def test_iterations_cut_the_last_epoch_short() -> None:
    order = BatchOrder(10, batch_size=3, epochs=99, iterations=7, seed=1)
    assert (len(order), order.steps_per_epoch, order.epochs) == (7, 3, 3)
    assert str(order) == "7 steps (2.333 epochs) x 3 images"
    assert str(BatchOrder(10, batch_size=3, epochs=2, seed=1)) == "2 epochs x 3 steps x 3 images"


def test_fewer_samples_than_a_batch_for_every_rank_are_refused() -> None:
    with pytest.raises(UserError, match="10 training images are fewer than devices x batch = 2 x 8"):
        BatchOrder(10, batch_size=8, epochs=1, seed=1, world_size=2)
