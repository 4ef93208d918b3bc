"""Brightness, contrast, saturation and hue against reference numbers.

`golden/augmentation.npz` (see test_augment.py): `bright_+20.5`, `contrast_0.73`, `sat_1.31` and `hue_-13` are `img_bgr`
after that change alone, `hsv` is the picture in OpenCV's 8-bit hue, saturation and value; all BGR uint8.
"""

from dataclasses import replace
from pathlib import Path

import mmcv
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_segformer.augment import normalise
from ms_segformer.colour import ColourChange, change_colours, change_with_levels, draw_colour_change

GOLDEN = Path(__file__).parent / "golden" / "augmentation.npz"


@pytest.fixture(scope="module", params=["copy", "shared"])
def golden(request: pytest.FixtureRequest):
    if request.param == "copy":
        return np.load(GOLDEN)
    return np.load(request.getfixturevalue("shared") / "golden" / "segformer" / "golden_data.npz")


def changed_bgr(image: np.ndarray, change: ColourChange) -> np.ndarray:
    return change_colours(np.ascontiguousarray(image[..., ::-1]), change)[..., ::-1]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bright_+20.5", ColourChange(brightness=20.5)),
        ("contrast_0.73", ColourChange(contrast=0.73)),
        ("contrast_0.73", ColourChange(contrast=0.73, contrast_last=True)),
        ("sat_1.31", ColourChange(saturation=1.31)),
        ("hue_-13", ColourChange(hue=-13)),
    ],
)
def test_each_change_is_the_old_one_to_the_last_bit(golden, name, change):
    expected = golden[name]
    np.testing.assert_array_equal(changed_bgr(golden["img_bgr"][: len(expected)], change), expected)


def test_rgb_pictures_have_the_hue_of_bgr_ones(golden):
    expected = golden["hsv"]
    image = np.ascontiguousarray(golden["img_bgr"][: len(expected), :, ::-1])
    np.testing.assert_array_equal(mmcv.imconvert(image, "rgb", "hsv"), expected)


def step_by_step(image: np.ndarray, change: ColourChange) -> np.ndarray:
    """The recipe on BGR uint8, one change after another, each in single precision with the fraction cut off."""

    def scaled(values: np.ndarray, factor: float = 1.0, offset: float = 0.0) -> np.ndarray:
        return np.clip(values.astype(np.float32) * factor + offset, 0, 255).astype(np.uint8)

    image = scaled(image, offset=change.brightness)
    if not change.contrast_last:
        image = scaled(image, change.contrast)
    if change.saturation != 1:
        hsv = mmcv.bgr2hsv(image)
        hsv[..., 1] = scaled(hsv[..., 1], change.saturation)
        image = mmcv.hsv2bgr(hsv)
    if change.hue:
        hsv = mmcv.bgr2hsv(image)
        hsv[..., 0] = (hsv[..., 0].astype(int) + change.hue) % 180
        image = mmcv.hsv2bgr(hsv)
    return scaled(image, change.contrast) if change.contrast_last else image


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_all_changes_together_are_the_recipe_step_by_step(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (5, 7, 3), np.uint8)
    change = draw_colour_change(rng)
    np.testing.assert_array_equal(changed_bgr(image, change), step_by_step(image, change))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_the_last_pass_may_be_left_to_normalising(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (5, 7, 3), np.uint8)
    change = draw_colour_change(rng)
    half, levels = change_with_levels(image, change)
    np.testing.assert_array_equal(normalise(half, levels=levels), normalise(change_colours(image, change)))


def test_no_change_returns_the_picture_and_every_change_leaves_the_original_alone():
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    before = image.copy()
    np.testing.assert_array_equal(change_colours(image, ColourChange()), before)
    change = ColourChange(brightness=9, contrast=1.2, saturation=0.7, hue=5)
    for each in (change, replace(change, contrast_last=True)):
        assert (change_colours(image, each) != before).any()
        np.testing.assert_array_equal(image, before)


def test_draws_keep_to_their_bounds_and_happen_half_of_the_time():
    rng = np.random.default_rng(3)
    changes = [draw_colour_change(rng) for _ in range(2000)]
    columns = {
        "brightness": (0, -32, 32),
        "contrast": (1, 0.5, 1.5),
        "saturation": (1, 0.5, 1.5),
        "hue": (0, -18, 18),
    }
    for name, (neutral, low, high) in columns.items():
        values = np.array([getattr(change, name) for change in changes])
        drawn = values[values != neutral]
        assert 0.45 < len(drawn) / len(values) < 0.55, name
        assert low <= drawn.min() < low + 0.02 * (high - low), name
        assert high - 0.02 * (high - low) < drawn.max() <= high, name
    assert {change.hue for change in changes} == set(range(-18, 19))
    assert 0.45 < np.mean([change.contrast_last for change in changes]) < 0.55
