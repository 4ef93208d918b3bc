"""The size at which the network sees a picture."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_defrcn.resize import box_scale, fitted_size, resize_image, size_of
from PIL import Image


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((480, 640), (800, 1067)),  # most of COCO
        ((640, 427), (1199, 800)),
        ((375, 500), (800, 1067)),  # most of VOC
        ((500, 500), (800, 800)),
        ((300, 1000), (400, 1333)),  # the long side decides
        ((2000, 3000), (800, 1200)),
        ((1, 4000), (1, 1333)),  # a third of a pixel is none
    ],
)
def test_known_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fitted_size(size, 800, 1333) == expected


@given(st.integers(8, 3000), st.integers(8, 3000), st.sampled_from([480, 640, 800]))
def test_every_side_is_rounded_to_the_nearest_pixel(height: int, width: int, short_side: int) -> None:
    factor = min(Fraction(short_side, min(height, width)), Fraction(1333, max(height, width)))
    for side, new in zip((height, width), fitted_size((height, width), short_side, 1333), strict=True):
        assert abs(new - max(side * factor, 1)) <= Fraction(1, 2) + Fraction(1, 10**9)


@pytest.mark.parametrize("size", [(37, 61), (90, 120)])
def test_resizing_is_the_originals(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    expected = Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)
    resized = resize_image(image, size)
    np.testing.assert_array_equal(resized, np.asarray(expected))
    assert size_of(resized) == size


def test_boxes_grow_with_the_sides_of_their_picture() -> None:
    across, down = box_scale((427, 640), (800, 1199))
    assert (640 * across, 427 * down) == pytest.approx((1199, 800))
