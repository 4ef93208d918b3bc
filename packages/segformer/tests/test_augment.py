"""Resize, crop, flip and normalise against reference numbers, and the rules of the random draws.

`golden/augmentation.npz` was made by the old code at fixed factors, from `img_bgr` uint8 [96, 200, 3] and `lab` uint8
[96, 200]; the copy beside the tests holds the first 32 rows of the photometric results, the shared one all of them:

- `rescale_json`: picture (height, width) -> box (height, width): the size that the picture gets within it;
- `val_image`, `val_label`: fitted into (64, 128), which gives (61, 128), and the picture normalised to RGB;
- `pad_image`, `pad_label`: these, padded to (80, 160). The padding of the picture is (255, 0, 0) there, a mistake of
  the old code: ours is 0;
- `train_seed5_*`: fitted into (53, 106), not flipped, hue -2 and nothing else, padded to (64, 128) with that mistake.
"""

import json
from itertools import pairwise
from pathlib import Path

import mmcv
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_segformer import augment
from ms_segformer.colour import ColourChange, change_colours

IGNORE = 255
GOLDEN = Path(__file__).parent / "golden" / "augmentation.npz"


@pytest.fixture(scope="module", params=["copy", "shared"])
def golden(request: pytest.FixtureRequest):
    if request.param == "copy":
        return np.load(GOLDEN)
    return np.load(request.getfixturevalue("shared") / "golden" / "segformer" / "golden_data.npz")


def rgb(image):
    return np.ascontiguousarray(image[..., ::-1])


def test_sizes_within_a_box_are_the_old_ones(golden):
    cases = json.loads(str(golden["rescale_json"]))
    assert len(cases) == 20
    for case, expected in cases.items():
        size, box = (tuple(json.loads(part.replace("(", "[").replace(")", "]"))) for part in case.split("->"))
        assert augment.fit_size(size, box) == tuple(expected), case


def test_evaluation_inputs_are_the_old_ones_to_the_last_bit(golden):
    size = augment.fit_size((96, 200), (64, 128))
    image = augment.normalise(augment.resize_image(rgb(golden["img_bgr"]), size))
    np.testing.assert_array_equal(image, golden["val_image"])
    np.testing.assert_array_equal(augment.resize_label(golden["lab"], size), golden["val_label"])


def test_a_whole_training_view_is_the_old_one_to_the_last_bit(golden):
    size = augment.fit_size((96, 200), (53, 106))
    image = change_colours(augment.resize_image(rgb(golden["img_bgr"]), size), ColourChange(hue=-2))
    height, width = size
    expected = golden["train_seed5_image"]
    np.testing.assert_array_equal(augment.normalise(image), expected[:, :height, :width])
    assert set(np.unique(expected[:, height:])) == {0, 255}  # the mistake
    label = augment.resize_label(golden["lab"], size)
    np.testing.assert_array_equal(label, golden["train_seed5_label"][:height, :width])


def test_a_portrait_picture_fits_into_the_box_stood_on_its_end():
    assert augment.fit_size((2000, 1000), (512, 1024)) == (1024, 512)


def test_a_factor_on_a_fitted_size_rounds_once():
    assert augment.fit_size((96, 200), (64, 128), 0.75) == (
        46,
        96,
    )  # 96 * 0.64 * 0.75 = 46.08; 61 * 0.75 = 45.75
    assert augment.scaled_size((361, 481), 0.5) == (181, 241)  # halves go up
    assert augment.scaled_size((1, 300), 0.1) == (1, 30)


def test_sizes_are_drawn_from_the_whole_range():
    rng = np.random.default_rng(0)
    heights = [augment.random_size((100, 200), None, (0.5, 2.0), rng)[0] for _ in range(400)]
    assert 50 <= min(heights) < 60
    assert 190 < max(heights) <= 200
    assert abs(np.mean(heights) - 125) < 5
    fitted = augment.random_size((100, 200), (50, 100), (1.0, 1.0), rng)
    assert fitted == (50, 100)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_a_resized_label_invents_no_value(old, new, seed):
    rng = np.random.default_rng(seed)
    label = rng.choice(np.array([0, 3, 18, IGNORE], np.uint8), old)
    resized = augment.resize_label(label, new)
    assert resized.shape == new
    assert set(np.unique(resized)) <= set(np.unique(label))


def two_classes(share: float, ignored: int = 0) -> np.ndarray:
    """uint8 [10, 100]: class 0 in `share` of each row's valid pixels, class 1 in the rest, then ignored ones."""
    row = np.full(100, IGNORE, np.uint8)
    valid = 100 - ignored
    row[:valid] = np.arange(valid) >= round(share * valid)
    return np.tile(row, (10, 1))


@pytest.mark.parametrize(
    ("label", "varied"),
    [
        (two_classes(0.74), True),
        (two_classes(0.75), False),
        (two_classes(0.25), False),
        (two_classes(0.70, ignored=50), True),  # of the valid pixels; of all they are 35 %
        (two_classes(0.90, ignored=50), False),
        (two_classes(1.0), False),
        (two_classes(0.5, ignored=100), False),
    ],
)
def test_a_crop_is_varied_if_no_class_holds_three_quarters_of_its_valid_pixels(label, varied):
    assert augment.is_varied(label, 0.75) == varied


def test_one_class_alone_is_never_varied_enough():
    assert not augment.is_varied(np.zeros((4, 4), np.uint8), 2.0)
    assert augment.is_varied(np.eye(4, dtype=np.uint8), 2.0)


def test_the_most_frequent_class_may_have_any_number():
    label = np.array([[253, 254, 254, IGNORE]], np.uint8)
    assert augment.is_varied(label, 0.75)
    assert not augment.is_varied(label, 0.6)


def rare_corner() -> np.ndarray:
    """uint8 [64, 64], class 0 but for the lower right quarter, whose columns are by turns of class 0 and 1."""
    label = np.zeros((64, 64), np.uint8)
    label[32:, 33::2] = 1
    return label


def shares_of_class_one(max_class_share: float, draws: int = 300) -> np.ndarray:
    rng = np.random.default_rng(5)
    label = rare_corner()
    return np.array(
        [label[augment.random_crop(label, (16, 16), max_class_share, rng)].mean() for _ in range(draws)]
    )


def test_a_dull_crop_is_drawn_anew_up_to_ten_times():
    single = (shares_of_class_one(1.0) > 0.25).mean()
    again = (shares_of_class_one(0.75) > 0.25).mean()
    assert 0.1 < single < 0.4
    assert abs(again - (1 - (1 - single) ** 11)) < 0.05  # one draw and ten redraws, all of them dull
    assert again < 1  # the last draw is taken as it is


def test_redraws_stop_at_the_first_varied_part(monkeypatch):
    judged = []

    def fourth(part, share):
        judged.append((part.copy(), share))
        return len(judged) == 4

    monkeypatch.setattr(augment, "is_varied", fourth)
    label = np.arange(100, dtype=np.uint8).reshape(10, 10)
    part = augment.random_crop(label, (3, 3), 0.75, np.random.default_rng(0))
    assert len(judged) == 4
    np.testing.assert_array_equal(label[part], judged[-1][0])
    assert any((a[0] != b[0]).any() for a, b in pairwise(judged))


def test_after_ten_dull_parts_an_eleventh_is_taken_unjudged(monkeypatch):
    judged = []
    monkeypatch.setattr(augment, "is_varied", lambda part, share: judged.append(part[0, 0]))
    label = np.arange(225, dtype=np.uint8).reshape(15, 15)
    part = augment.random_crop(label, (2, 2), 0.75, np.random.default_rng(1))
    assert len(judged) == 10
    assert label[part][0, 0] not in judged


def test_a_crop_reaches_every_place_and_stays_inside():
    rng = np.random.default_rng(2)
    parts = [augment.random_crop(np.zeros((5, 9), np.uint8), (3, 4), 1.0, rng) for _ in range(300)]
    assert {part[0].start for part in parts} == {0, 1, 2}
    assert {part[1].start for part in parts} == {0, 1, 2, 3, 4, 5}
    assert all((part[0].stop - part[0].start, part[1].stop - part[1].start) == (3, 4) for part in parts)


def test_a_crop_larger_than_the_picture_takes_all_of_it():
    label = np.zeros((5, 9), np.uint8)
    part = augment.random_crop(label, (8, 4), 0.75, np.random.default_rng(0))
    assert label[part].shape == (5, 4)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_a_flip_moves_picture_and_label_alike(height, width, seed):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 256, (height, width), np.uint8)
    image = np.stack((label, 255 - label, label // 2), axis=-1)
    before = image.copy(), label.copy()
    flipped_image, flipped_label = augment.flip(image, label)
    np.testing.assert_array_equal(flipped_label, label[:, ::-1])
    np.testing.assert_array_equal(flipped_image[..., 0], flipped_label)
    np.testing.assert_array_equal(flipped_image[..., 1], 255 - flipped_label)
    np.testing.assert_array_equal(augment.flip(flipped_image, flipped_label)[0], image)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(label, before[1])


def test_normalising_looks_up_what_mmcv_computes():
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    expected = mmcv.imnormalize(image, augment.MEAN, augment.STD, to_rgb=False).transpose(2, 0, 1)
    np.testing.assert_array_equal(augment.normalise(image), expected)
    levels = np.arange(255, -1, -1, dtype=np.uint8)
    np.testing.assert_array_equal(augment.normalise(255 - image, levels=levels), expected)
    canvas = np.zeros((3, 50, 60), np.float32)
    augment.normalise(image, out=canvas[:, :37, :53])
    np.testing.assert_array_equal(canvas[:, :37, :53], expected)
    assert not canvas[:, 37:].any()
    assert not canvas[:, :, 53:].any()
