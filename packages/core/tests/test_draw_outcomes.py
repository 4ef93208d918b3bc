"""Colours tell found from missed and hits from false alarms; nothing leaves its half."""

from pathlib import Path

import numpy as np
from ms_core import draw_outcomes as outcomes
from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.image_match import match_image

CLASSES = ("猫", "<b>&")


def sample() -> Sample:
    boxes = np.array([[20, 60, 80, 120], [120, 60, 180, 120], [220, 60, 280, 120]], np.float32)
    difficult = np.array([False, False, True])
    return Sample(
        1,
        Path("a.jpg"),
        300,
        150,
        boxes,
        np.array([0, 1, 0], np.int32),
        np.zeros(3, bool),
        difficult,
        boxes[:, 0],
    )


def test_found_missed_hit_false_alarm_and_ignored_have_their_colours() -> None:
    image = np.full((150, 300, 3), 255, np.uint8)
    boxes = np.array([[20, 60, 80, 120], [140, 10, 170, 50], [220, 60, 280, 120]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.8, 0.7]), np.array([0, 1, 0]))
    drawn = outcomes.draw_outcomes(image, sample(), found, match_image(sample(), found), CLASSES, (300, 150))
    left, right = drawn[:, :300], drawn[:, -300:]
    assert drawn.shape == (150, 606, 3)
    assert tuple(left[90, 20]) == outcomes.HIT
    assert tuple(left[60, 121]) == outcomes.MISSED  # a dash begins at the corner
    assert tuple(left[90, 220]) == outcomes.IGNORED
    assert tuple(right[90, 20]) == outcomes.HIT
    assert tuple(right[10, 141]) == outcomes.FALSE_ALARM
    assert tuple(right[90, 220]) == outcomes.IGNORED
    assert (left[120, 120:181] == 0).all(axis=1).any()  # and is broken


def test_a_large_picture_is_made_small_before_it_is_drawn_on() -> None:
    image = np.full((1500, 3000, 3), 255, np.uint8)
    nothing = Detections.empty()
    drawn = outcomes.draw_outcomes(
        image, sample(), nothing, match_image(sample(), nothing), CLASSES, (300, 300)
    )
    assert drawn.shape == (150, 606, 3)
    assert tuple(drawn[60, 21]) == outcomes.MISSED


def test_title_and_legend() -> None:
    picture = np.zeros((50, 200, 3), np.uint8)
    assert outcomes.titled(picture, "a title that is much too long for such a small picture").shape[1] == 200
    strip = outcomes.legend(1000)
    assert strip.shape[1] == 1000
    for colour, _, _ in outcomes.LEGEND:
        assert (strip == colour).all(axis=2).any()
