"""Best and worst images, and what is shown of a network whose scores are low."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.extremes import Extremes, score_image
from ms_core.evaluation.findings import Findings
from ms_core.evaluation.image_match import match_image

BOXES = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], np.float32)


def image(number: int, objects: int = 3) -> Sample:
    none = np.zeros(objects, bool)
    path = Path(f"{number}.jpg")
    return Sample(
        number, path, 60, 20, BOXES[:objects], np.zeros(objects, np.int32), none, none, none + np.float32(1)
    )


def found(hits: int, alarms: int = 0, score: float = 0.8, shift: float = 0.0) -> Detections:
    far = np.tile(np.array([[0, 12, 5, 18]], np.float32), (alarms, 1))
    boxes = np.concatenate((BOXES[:hits] + np.float32([0, shift, 0, 0]), far))
    return Detections(boxes, np.full(len(boxes), score), np.zeros(len(boxes), np.int32))


def extremes_of(images: list[Detections], count: int) -> Extremes:
    result = Extremes(0.5, count)
    for number, detections in enumerate(images):
        sample = image(number)
        result.update(sample, detections, match_image(sample, detections))
    return result


def test_the_score_of_an_image() -> None:
    score = score_image(match_image(image(1), found(2, alarms=1)), 0.5)
    assert (score.hits, score.missed, score.false_alarms, score.mean_iou) == (2, 1, 1, 1)
    assert score.f1 == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert score_image(match_image(image(1), found(2, alarms=1)), 0.8).hits == 0


def test_best_and_worst_are_ranked_by_f1_then_overlap_then_mistakes() -> None:
    images = [found(3, shift=2), found(3), found(1), found(0, alarms=2), found(0)]
    kept = extremes_of(images, count=2)
    assert [judged.sample.id for judged in kept.best()] == [1, 0]
    assert [judged.sample.id for judged in kept.worst()] == [3, 4]


def test_few_images_are_shared_out() -> None:
    kept = extremes_of([found(3), found(0), found(1)], count=6)
    assert [judged.sample.id for judged in kept.best()] == [0, 2]
    assert [judged.sample.id for judged in kept.worst()] == [1]


@given(hits=st.lists(st.integers(0, 3), max_size=20), count=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_no_image_is_best_and_worst(hits: list[int], count: int) -> None:
    kept = extremes_of([found(number) for number in hits], count)
    best, worst = ([judged.sample.id for judged in side] for side in (kept.best(), kept.worst()))
    assert not set(best) & set(worst)
    assert len(best) + len(worst) == min(len(hits), 2 * count)
    assert [hits[i] for i in best] == sorted(hits, reverse=True)[: len(best)]
    assert [hits[i] for i in worst] == sorted(hits)[: len(worst)]


def test_an_image_with_nothing_to_see_is_not_ranked() -> None:
    kept = Extremes(0.5)
    sample = image(0, objects=0)
    kept.update(sample, Detections.empty(), match_image(sample, Detections.empty()))
    assert not kept.best()


@pytest.mark.parametrize(("score", "shown"), [(0.2, 0.1), (0.62, 0.3), (0.95, 0.5)])
def test_pictures_suit_the_scores_that_a_network_gives(score: float, shown: float) -> None:
    findings = Findings(["a"])
    findings.update(image(1), found(3, score=score))
    assert findings.shown_score == shown  # near the middle of 0 and the score
    assert findings.confusion.counts[0, 0] == 3
    assert findings.extremes.best()[0].score.f1 == 1


def test_a_network_that_finds_nothing() -> None:
    findings = Findings(["a"])
    findings.update(image(1), Detections.empty())
    assert findings.shown_score == 0.5
    assert findings.advice("a") is None
    assert findings.advice("of another data set") is None
