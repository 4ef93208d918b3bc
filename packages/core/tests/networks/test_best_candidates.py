"""The best pairs of a box and a class against sorting all of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor
from ms_core.networks.best_candidates import BestCandidates

LEAST = 0.25


def by_hand(scores: np.ndarray) -> list[tuple[float, int, int]]:
    """(score, box, class) of all that count: best first, then by class and box."""
    rows, columns = np.nonzero(scores > LEAST)
    pairs = (
        (float(scores[row, column]), int(row), int(column)) for row, column in zip(rows, columns, strict=True)
    )
    return sorted(pairs, key=lambda pair: (-pair[0], pair[2], pair[1]))


def found(scores: np.ndarray, most: int, one_class: bool = False) -> list[tuple[float, int, int]]:
    best, rows, labels, valid = (a.asnumpy() for a in BestCandidates(most, LEAST, one_class)(Tensor(scores)))
    assert len(best) == min(most, len(scores) if one_class else scores.size)
    assert (np.diff(valid.astype(int)) <= 0).all()
    return list(zip(best[valid].tolist(), rows[valid].tolist(), labels[valid].tolist(), strict=True))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 50), st.integers(1, 6), st.integers(1, 120), st.integers(0, 1000))
def test_pairs_are_the_best_in_a_fixed_order(count: int, classes: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = (rng.integers(0, 9, (count, classes)) / 8).astype(np.float32)  # many are equal
    scores[rng.uniform(size=scores.shape) < 0.1] = np.nan
    expected = by_hand(scores)
    ours = found(scores, most)
    if len(expected) <= most:
        assert ours == expected
    else:  # which of the equal ones at the end are in is left open
        assert [pair[0] for pair in ours] == [pair[0] for pair in expected[:most]]
        assert set(ours) <= set(expected)
        assert ours == sorted(ours, key=lambda pair: (-pair[0], pair[2], pair[1]))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 50), st.integers(1, 6), st.integers(0, 1000))
def test_a_box_counts_for_its_best_class(count: int, classes: int, seed: int) -> None:
    scores = (np.random.default_rng(seed).integers(0, 9, (count, classes)) / 8).astype(np.float32)
    best = [
        (float(row.max()), place, int(row.argmax())) for place, row in enumerate(scores) if row.max() > LEAST
    ]
    assert found(scores, 50, one_class=True) == sorted(best, key=lambda pair: (-pair[0], pair[1]))


def test_a_thousand_classes_are_told_apart() -> None:
    scores = np.zeros((700, 1000), np.float32)
    rows, columns = np.arange(0, 700, 7), np.arange(999, -1, -10)
    scores[rows, columns] = np.linspace(0.9, 0.3, 100)
    ours = found(scores, 650)
    assert [pair[1:] for pair in ours] == list(zip(rows.tolist(), columns.tolist(), strict=True))
