"""Which scores calibration changes, and how."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.detection.detections import Detections
from ms_defrcn.calibration import Calibration, Prototypes, cosine, mixed, within
from ms_defrcn.config import PcbConfig

CLASSES = ("cat", "cow", "dog")
IMAGE = np.zeros((40, 60, 3), np.uint8)


class Describer:
    """Describes a box by its first two numbers, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        assert image is IMAGE
        self.asked.append(boxes)
        return boxes[:, :2]


def detections(*rows: tuple[float, float, float, int]) -> Detections:
    """Rows (x0, y0, score, label)."""
    return Detections(
        np.array([[x, y, x + 5, y + 5] for x, y, _, _ in rows], np.float32),
        np.array([score for _, _, score, _ in rows], np.float32),
        np.array([label for *_, label in rows]),
    )


@pytest.fixture
def describer():
    return Describer()


@pytest.fixture
def calibration(describer):
    """Cows look like (1, 0) and dogs like (0, 1); cats are a base class."""
    prototypes = Prototypes(("dog", "cow"), np.array([[0, 1], [1, 0]], np.float32))
    return Calibration(describer, prototypes, CLASSES, PcbConfig())


def test_scores_are_mixed_with_the_likeness_to_the_own_class(calibration):
    scores = calibration.scores(IMAGE, detections((3, 0, 0.4, 1), (3, 4, 0.6, 2), (3, 4, 0.6, 1)))
    np.testing.assert_allclose(scores, [0.7, 0.5 * 0.6 + 0.5 * 0.8, 0.5 * 0.6 + 0.5 * 0.6], atol=1e-6)


def test_base_classes_are_left_alone_and_not_even_described(calibration, describer):
    found = detections((3, 0, 0.4, 0), (3, 0, 0.4, 1))
    assert calibration.scores(IMAGE, found)[0] == np.float32(0.4)
    np.testing.assert_array_equal(describer.asked, found.boxes[None, 1:])


def test_nothing_to_calibrate_describes_nothing(calibration, describer):
    assert len(calibration(IMAGE, Detections.empty())) == 0
    only_cats = detections((3, 0, 0.4, 0))
    np.testing.assert_array_equal(calibration(IMAGE, only_cats).scores, only_cats.scores)
    assert describer.asked == []


def test_the_best_comes_first_with_its_box_and_label(calibration):
    found = calibration(IMAGE, detections((0, 3, 0.9, 1), (0, 3, 0.5, 2)))
    np.testing.assert_array_equal(found.labels, [2, 1])
    np.testing.assert_allclose(found.scores, [0.75, 0.45], atol=1e-6)


def test_detections_themselves_stay_as_they_were(calibration):
    found = detections((0, 3, 0.9, 1))
    calibration(IMAGE, found)
    assert found.scores[0] == np.float32(0.9)


def test_bounds_are_inclusive():
    scores = np.array([0.04, 0.05, 0.5, 0.8, 0.81])
    np.testing.assert_array_equal(
        within(scores, PcbConfig(lower=0.05, upper=0.8)), [False, True, True, True, False]
    )


def test_a_description_of_nothing_is_like_nothing():
    assert cosine(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)) == 0


@given(st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_alpha_one_keeps_the_score_and_zero_takes_the_likeness(score, likeness):
    assert mixed(np.array([score]), np.array([likeness]), 1.0) == pytest.approx(score)
    assert mixed(np.array([score]), np.array([likeness]), 0.0) == pytest.approx(likeness)


def test_cosine_does_not_depend_on_lengths():
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=(2, 5, 7)).astype(np.float32)
    expected = [float(a @ b / np.sqrt((a @ a) * (b @ b))) for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(cosine(one * 3, other / 7), expected, rtol=1e-5)
