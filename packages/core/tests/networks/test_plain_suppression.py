"""Suppression in plain operators against the greedy rule, and where its rounds end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor
from ms_core.detection.greedy import OverlapRule, greedy
from ms_core.networks import plain_suppression as module
from ms_core.networks.greedy_suppression import GreedySuppression
from ms_core.networks.plain_suppression import PlainGreedySuppression, PlainSuppression


def crowded_boxes(count: int, seed: int) -> np.ndarray:
    """float32 [count, 4] on a grid of 1/16, so that overlaps are equal to each other, and to thresholds."""
    rng = np.random.default_rng(seed)
    corner, side = rng.integers(0, 12, (count, 2)), rng.integers(0, 8, (count, 2))
    return (np.concatenate((corner, corner + side), axis=1) / 16).astype(np.float32)


def by_hand(boxes: np.ndarray, labels: np.ndarray, valid: np.ndarray, threshold: float) -> list[int]:
    """Positions that the greedy rule keeps, class by class."""
    kept = []
    for label in np.unique(labels):
        places = np.flatnonzero(valid & (labels == label))
        kept += places[greedy(np.asfortranarray(boxes[places]), OverlapRule(threshold), len(boxes))].tolist()
    return sorted(kept)


def found(boxes: np.ndarray, labels: np.ndarray, valid: np.ndarray, cell: PlainSuppression) -> list[int]:
    inputs = Tensor(boxes), Tensor(labels.astype(np.float32)), Tensor(valid)
    positions, stays = (array.asnumpy() for array in cell(*inputs))
    assert (np.diff(stays.astype(int)) <= 0).all()  # gapless
    assert (positions[~stays] == 0).all()
    return positions[stays].tolist()


@settings(max_examples=8, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 50),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.25, 0.5, 0.6]),
    st.data(),
)
def test_it_is_the_greedy_rule_within_classes(
    count: int, most: int, classes: int, threshold: float, data: st.DataObject
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    boxes = crowded_boxes(count, int(rng.integers(1 << 30)))
    labels, valid = rng.integers(0, classes + 1, count), rng.uniform(size=count) < 0.8
    expected = by_hand(boxes, labels, valid, threshold)[:most]
    assert (
        found(boxes, labels, valid, PlainSuppression(most, threshold, per_class=True, chain=21)) == expected
    )
    together = by_hand(boxes, np.zeros(count), valid, threshold)[:most]
    assert found(boxes, labels, valid, PlainSuppression(most, threshold, chain=21)) == together


@pytest.mark.parametrize("most", [25, 400])
def test_blocks_know_what_earlier_ones_kept(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(module, "_BLOCK", 40)
    boxes, valid = crowded_boxes(190, seed=1), np.ones(190, bool)
    labels = np.random.default_rng(2).integers(0, 3, 190)
    expected = by_hand(boxes, labels, valid, 0.1)
    assert 40 < len(expected) < 150
    cell = PlainSuppression(most, 0.1, per_class=True, chain=21)
    assert found(boxes, labels, valid, cell) == expected[:most]


def test_numbers_that_are_not_finite_matter_nothing_where_they_are_not_valid() -> None:
    boxes = np.array([[0, 0, 1, 1], [np.nan, 0, np.inf, 1], [0, 0, 1, 0.9]], np.float32)
    valid = np.array([True, False, True])
    assert found(boxes, np.zeros(3), valid, PlainSuppression(3, 0.5, chain=5)) == [0]


def staircase(steps: int) -> np.ndarray:
    """Boxes of which each overlaps the next by 2/3 and the one after by 1/3."""
    start = np.arange(steps, dtype=np.float32) / 5
    return np.stack((start, np.zeros(steps), start + 1, np.ones(steps)), axis=1).astype(np.float32)


def test_chains_are_followed_as_far_as_it_says_and_the_rest_is_dropped() -> None:
    steps, chain = 40, 5  # of which every second one is kept
    boxes, labels, valid = staircase(steps), np.zeros(steps), np.ones(steps, bool)
    every_second = list(range(0, steps, 2))
    assert by_hand(boxes, labels, valid, 0.6) == every_second
    assert found(boxes, labels, valid, PlainSuppression(steps, 0.6, chain=21)) == every_second
    assert found(boxes, labels, valid, PlainSuppression(steps, 0.6, chain=chain)) == every_second[:chain]


def test_it_takes_the_place_of_the_other_suppression() -> None:
    boxes = crowded_boxes(90, seed=4)
    scores = np.linspace(3, -3, 90, dtype=np.float32)  # logits: a score of 0 is one like others
    inputs = Tensor(boxes), Tensor(scores), Tensor(np.random.default_rng(1).uniform(size=90) < 0.9)
    for ours, theirs in zip(
        PlainGreedySuppression(60, 0.5, chain=21)(*inputs), GreedySuppression(60, 0.5)(*inputs), strict=True
    ):
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())
