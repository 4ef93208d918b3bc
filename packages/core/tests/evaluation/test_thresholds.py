"""Score thresholds against a plain search, and what equal scores mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.evaluation.thresholds import LEVELS, ScoreCounts


def counts(scores, hits, objects: int, min_score: float = 0.0) -> ScoreCounts:
    result = ScoreCounts(["a"], min_score)
    hits = np.array(hits, bool)
    result.update(np.zeros(objects, int), np.zeros(len(hits), int), np.array(scores), hits, ~hits)
    return result


def f1_above(threshold: float, scores: np.ndarray, hits: np.ndarray, objects: int) -> float:
    shown = np.round(scores, 7) > threshold
    return 2 * (shown & hits).sum() / (shown.sum() + objects)


@given(seed=st.integers(0, 2**32 - 1), number=st.integers(1, 40), missed=st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_the_advice_is_the_best_there_is(seed: int, number: int, missed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random(number).round(3).astype(np.float32)
    hits = rng.random(number) < 0.6
    objects = int(hits.sum()) + missed
    advice = counts(scores, hits, objects).advice()
    best = max(f1_above(level / LEVELS, scores, hits, objects) for level in range(LEVELS)) if objects else 0
    if best == 0:
        assert advice is None
        return
    assert advice is not None
    assert advice.f1 == pytest.approx(best)
    assert f1_above(advice.score, scores, hits, objects) == pytest.approx(best)


def test_of_equally_good_thresholds_the_middle_one() -> None:
    advice = counts([0.9, 0.3], [True, False], objects=1).advice()
    assert advice is not None
    assert advice.score == pytest.approx((0.3 + 0.899) / 2, abs=0.001)
    assert (advice.precision, advice.recall, advice.f1) == (1, 1, 1)


def test_a_score_is_not_above_itself() -> None:
    curves = counts([0.5], [True], objects=1).curves()
    assert curves.recall[499] == 1
    assert curves.recall[500] == 0


def test_nothing_is_said_about_scores_that_the_detector_dropped() -> None:
    advice = counts([0.9], [True], objects=1, min_score=0.6).advice()
    assert advice is not None
    assert advice.score >= 0.6


@pytest.mark.parametrize(("scores", "objects"), [([], 3), ([0.5], 0)])
def test_no_advice_without_a_hit_or_an_object(scores: list[float], objects: int) -> None:
    result = counts(scores, [False] * len(scores), objects)
    assert result.advice() is None
    assert result.advice(0) is None


def test_classes_are_apart_and_together() -> None:
    result = ScoreCounts(["a", "b"])
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.9, 0.2, 0.4, 0.1])
    hits = np.array([True, False, True, False])
    result.update(np.array([0, 1]), labels, scores, hits, ~hits)
    first, second, both = result.advice(0), result.advice(1), result.advice()
    assert first is not None
    assert second is not None
    assert both is not None
    assert 0.2 <= first.score < 0.9
    assert 0.1 <= second.score < 0.4
    assert 0.2 <= both.score < 0.4
    right, wrong = result.histogram(10)
    assert right.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 1, 0]
    assert wrong.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
