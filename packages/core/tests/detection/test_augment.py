"""Training views: what may change and what may not, on random pictures and boxes."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.data.network_input import IMAGENET_MEAN, IMAGENET_STD
from ms_core.detection import augment
from ms_core.detection.boxes import box_areas, intersections


def picture(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def some_boxes(rng: np.random.Generator, count: int, width: int, height: int) -> np.ndarray:
    points = rng.random((count, 2, 2)) * (width, height)
    return np.concatenate((points.min(axis=1), points.max(axis=1)), axis=1).astype(np.float32)


sizes = st.integers(2, 120)
seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, width=sizes, height=sizes, count=st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_crop_keeps_boxes_inside(seed: int, width: int, height: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    image, boxes = picture(rng, width, height), some_boxes(rng, count, width, height)
    labels = np.arange(count)
    view, kept, kept_labels = augment.random_iou_crop(image, boxes, labels, rng)
    assert view.shape[0] >= 1
    assert view.shape[1] >= 1
    assert len(kept) == len(kept_labels)
    assert kept.dtype == np.float32
    assert (kept[:, :2] >= 0).all()
    assert (kept[:, 2:] <= (view.shape[1], view.shape[0])).all()
    assert (box_areas(kept) > 0).all()
    if (box_areas(boxes) > 0).any():
        assert len(kept), "a crop never loses every object"
    if view.shape != image.shape:
        assert view.base is not None  # a view, not a copy


@given(seed=seeds)
@settings(max_examples=100, deadline=None)
def test_crop_rules_on_a_large_picture(seed: int) -> None:
    """Size and shape limits, and that boxes with their centre inside stay where they were on the picture."""
    rng = np.random.default_rng(seed)
    width, height = 800, 600
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(width) % 256, np.arange(height)[:, None] % 256
    image[..., 2] = np.arange(width) // 256 * 16 + (np.arange(height) // 256)[:, None]
    boxes = some_boxes(rng, 4, width, height)
    view, kept, labels = augment.random_iou_crop(image, boxes, np.arange(4), rng)
    if view.shape == image.shape:
        return
    left = int(view[0, 0, 0]) + 256 * (int(view[0, 0, 2]) // 16)
    top = int(view[0, 0, 1]) + 256 * (int(view[0, 0, 2]) % 16)
    np.testing.assert_array_equal(view, image[top : top + view.shape[0], left : left + view.shape[1]])
    assert 0.3 * width - 1 <= view.shape[1] <= width
    assert 0.3 * height - 1 <= view.shape[0] <= height
    assert 0.49 <= view.shape[0] / view.shape[1] <= 2.03
    part = np.array([[left, top, left + view.shape[1], top + view.shape[0]]], np.float32)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((part[0, :2] < centre) & (centre < part[0, 2:])).all(axis=1)
    assert labels.tolist() == np.flatnonzero(inside & (intersections(boxes, part)[:, 0] > 0)).tolist()
    expected = np.clip(boxes[labels], part[0, [0, 1, 0, 1]], part[0, [2, 3, 2, 3]]) - part[0, [0, 1, 0, 1]]
    np.testing.assert_allclose(kept, expected, atol=1e-4)


def test_all_tries_judged_at_once_are_the_plain_loop() -> None:
    """The vectorised search chooses the try that the rules, one after another, choose."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        width, height = rng.integers(50, 300, 2)
        boxes = some_boxes(rng, int(rng.integers(1, 5)), width, height)
        draws, min_overlap = rng.random((50, 4)), float(rng.choice([0.1, 0.3, 0.5, 0.7, 0.9]))
        expected = plain_search(draws, width, height, boxes, min_overlap)
        result = augment._find_crop(draws, width, height, boxes, min_overlap)
        assert (result is None) == (expected is None)
        if result is not None and expected is not None:
            found += 1
            assert result[0] == expected[0]
            np.testing.assert_array_equal(result[1], expected[1])
    assert found > 100


def plain_search(
    draws: np.ndarray, width: int, height: int, boxes: np.ndarray, min_overlap: float
) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
    for share_w, share_h, share_left, share_top in draws:
        w, h = (share_w * 0.7 + 0.3) * width, (share_h * 0.7 + 0.3) * height
        if h / w < 0.5 or h / w > 2:
            continue
        left, top = share_left * (width - w), share_top * (height - h)
        part = int(left), int(top), int(left + w), int(top + h)
        area = (part[2] - part[0]) * (part[3] - part[1])
        overlap, inside = [], []
        for x0, y0, x1, y1 in boxes.astype(np.float64):
            shared = max(min(x1, part[2]) - max(x0, part[0]), 0) * max(min(y1, part[3]) - max(y0, part[1]), 0)
            overlap.append(shared / (area + (x1 - x0) * (y1 - y0) - shared))
            middle = (x0 + x1) / 2, (y0 + y1) / 2
            inside.append(shared > 0 and part[0] < middle[0] < part[2] and part[1] < middle[1] < part[3])
        touched = [value for value in overlap if value > 0]
        if (
            not touched
            or (min(touched) < min_overlap and max(touched) > min_overlap + 0.2)
            or not any(inside)
        ):
            continue
        return part, np.array(inside)
    return None


def test_boxes_without_area_are_dropped() -> None:
    image = np.zeros((50, 60, 3), np.uint8)
    boxes = np.array([[5, 5, 5, 20], [1, 1, 9, 9], [3, 3, 3, 3]], np.float32)
    for seed in range(20):
        _, kept, labels = augment.random_iou_crop(
            image, boxes, np.array([7, 8, 9]), np.random.default_rng(seed)
        )
        assert labels.tolist() == [8]
        assert len(kept) == 1


def test_same_generator_same_view() -> None:
    rng = np.random.default_rng(5)
    image, boxes = picture(rng, 90, 70), some_boxes(rng, 3, 90, 70)

    def view(seed: int) -> tuple[np.ndarray, np.ndarray]:
        choices = np.random.default_rng(seed)
        cut, kept, _ = augment.random_iou_crop(image, boxes, np.arange(3), choices)
        cut, kept = augment.resize(cut, kept, (40, 30))
        cut, kept = augment.horizontal_flip(cut, kept, choices)
        return augment.colour_jitter(cut, choices), kept

    for seed in range(10):
        for first, second in zip(view(seed), view(seed), strict=True):
            np.testing.assert_array_equal(first, second)


@given(seed=seeds, width=sizes, height=sizes)
@settings(max_examples=60, deadline=None)
def test_flip_twice_is_nothing(seed: int, width: int, height: int) -> None:
    rng = np.random.default_rng(seed)
    image, boxes = picture(rng, width, height), some_boxes(rng, 4, width, height)
    once, flipped = augment.horizontal_flip(image, boxes, rng, probability=1.0)
    twice, back = augment.horizontal_flip(once, flipped, rng, probability=1.0)
    np.testing.assert_array_equal(once, image[:, ::-1])
    np.testing.assert_array_equal(twice, image)
    np.testing.assert_allclose(back, boxes, atol=1e-4)
    assert (flipped[:, 0] <= flipped[:, 2]).all()
    assert augment.horizontal_flip(image, boxes, rng, probability=0.0)[0] is image


def test_resize_takes_height_first() -> None:
    image, boxes = augment.resize(
        np.zeros((10, 20, 3), np.uint8), np.array([[2, 1, 20, 10]], np.float32), (30, 40)
    )
    assert image.shape == (30, 40, 3)
    np.testing.assert_allclose(boxes, [[4, 3, 40, 30]])


@given(seed=seeds, strength=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_colour_jitter_stays_a_picture(seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    image = picture(rng, 20, 16)
    before = image.copy()
    changed = augment.colour_jitter(image, rng, strength)
    assert changed.dtype == np.uint8
    assert changed.shape == image.shape
    np.testing.assert_array_equal(image, before)
    if strength == 0:
        np.testing.assert_array_equal(changed, image)


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.4])
def test_each_colour_change_is_its_formula(factor: float) -> None:
    image = picture(np.random.default_rng(0), 40, 30)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    exact = image.astype(np.float64)
    bright = np.clip(exact * factor, 0, 255)
    contrast = np.clip(exact * factor + round(grey.mean()) * (1 - factor), 0, 255)
    saturated = np.clip(exact * factor + grey[..., None] * (1 - factor), 0, 255)
    assert np.abs(augment.apply_levels(image, augment._brighter(factor)) - bright).max() <= 1
    assert np.abs(augment.apply_levels(image, augment._contrasted(image, factor)) - contrast).max() <= 1
    assert np.abs(augment._saturation(image, factor) - saturated).max() <= 1


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_levels_left_to_normalise_are_the_whole_jitter(seed: int) -> None:
    """Bit for bit, in every order of the three changes, and straight into a row of a batch."""
    image = picture(np.random.default_rng(seed), 20, 16)
    expected = augment.normalise(augment.colour_jitter(image, np.random.default_rng(seed)))
    part, levels = augment.jitter_with_levels(image, np.random.default_rng(seed))
    batch = np.full((2, 3, 16, 20), np.nan, np.float32)
    row = augment.normalise(part, levels=levels, out=batch[1])
    assert row.base is batch
    np.testing.assert_array_equal(batch[1], expected)
    assert np.isnan(batch[0]).all()


def test_normalise_is_the_formula() -> None:
    image = picture(np.random.default_rng(0), 7, 5)
    expected = (image / 255 - IMAGENET_MEAN) / IMAGENET_STD
    planes = augment.normalise(image)
    assert planes.shape == (3, 5, 7)
    assert planes.dtype == np.float32
    assert planes.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(planes, expected.transpose(2, 0, 1), atol=1e-6)
