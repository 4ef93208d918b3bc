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


LYING = np.arange(11) % 3 > 0
"""Of 11 samples 7 lie."""


def test_a_grouped_order_deals_out_the_same_samples_in_batches_of_one_group() -> None:
    order = BatchOrder(11, batch_size=2, epochs=20, seed=1)
    grouped = order.grouped(LYING)
    assert (len(grouped), grouped.steps_per_epoch, str(grouped)) == (100, 5, str(order))
    for epoch in range(20):
        steps = range(epoch * 5, epoch * 5 + 5)
        plain, batches = ([o.indices(step) for step in steps] for o in (order, grouped))
        assert sorted(np.concatenate(batches)) == sorted(np.concatenate(plain))
        mixed = [batch for batch in batches if len(set(LYING[batch])) == 2]
        assert len(mixed) <= 1
        assert all(len(batch) == 2 for batch in batches)


def test_a_group_smaller_than_a_batch_is_not_left_out_for_ever() -> None:
    alone = np.arange(11) == 4
    grouped = BatchOrder(11, batch_size=2, epochs=20, seed=1).grouped(alone)
    assert any(4 in grouped.indices(step) for step in range(len(grouped)))


def test_a_grouped_step_is_the_same_whatever_was_asked_before() -> None:
    first, second = (BatchOrder(11, batch_size=3, epochs=9, seed=2).grouped(LYING) for _ in range(2))
    for step in (20, 0, 13):
        first.indices(step)
    np.testing.assert_array_equal(first.indices(9), second.indices(9))


def test_ranks_share_a_grouped_epoch_without_overlap() -> None:
    ranks = [
        BatchOrder(11, batch_size=2, epochs=1, seed=1, rank=rank, world_size=2).grouped(LYING)
        for rank in (0, 1)
    ]
    seen = [int(i) for order in ranks for step in range(order.steps_per_epoch) for i in order.indices(step)]
    assert len(seen) == len(set(seen)) == 8


def test_one_group_changes_nothing() -> None:
    order = BatchOrder(10, batch_size=2, epochs=2, seed=1)
    grouped = order.grouped(np.ones(10, bool))
    for step in range(len(order)):
        np.testing.assert_array_equal(grouped.indices(step), order.indices(step))
