"""Maps made class by class are those that all logits at full size would give."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.segmentation.planes import add_probabilities, enlarge, largest, whole_planes


def logits_of(classes: int, seed: int, size: tuple[int, int] = (9, 7)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((classes, *size)).astype(np.float32)


def full_size(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.stack([cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR) for plane in logits])


@pytest.mark.parametrize("classes", [1, 2, 19, 254])
@pytest.mark.parametrize("size", [(9, 7), (36, 28), (33, 27), (5, 4)])
def test_the_largest_class_of_every_pixel(classes: int, size: tuple[int, int]):
    logits = logits_of(classes, seed=classes)
    found = largest(whole_planes(logits, size))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, full_size(logits, size).argmax(0))


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_of_equal_values_the_first_counts(classes: int, seed: int):
    planes = np.random.default_rng(seed).integers(0, 3, (classes, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(largest(iter(planes)), planes.argmax(0))


def test_half_pixel_centres_by_hand():
    """Twice as many samples lie a quarter of a step beside the old ones; at the ends the values repeat."""
    row = np.array([[0.0, 4.0, 8.0]], np.float32)
    np.testing.assert_array_equal(enlarge(row, (1, 6)), [[0, 1, 3, 5, 7, 8]])


def test_logits_stay_as_they_are():
    logits = logits_of(5, seed=1)
    before = logits.copy()
    largest(whole_planes(logits, logits.shape[1:]))
    np.testing.assert_array_equal(logits, before)


def test_probabilities_add_up_and_large_logits_do_not_overflow():
    first, second = logits_of(4, seed=2) * 200, logits_of(4, seed=3)
    total = np.zeros((4, 18, 14), np.float32)
    for logits in (first, second):
        add_probabilities(lambda logits=logits: whole_planes(logits, (18, 14)), total)
    wide = [full_size(logits, (18, 14)).astype(np.float64) for logits in (first, second)]
    powers = [np.exp(values - values.max(0)) for values in wide]
    np.testing.assert_allclose(total, sum(power / power.sum(0) for power in powers), atol=1e-5)
