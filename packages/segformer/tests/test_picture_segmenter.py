"""Looking at pictures in every way, against PyTorch; windows, sizes, pictures that are too small."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.errors import UserError
from ms_segformer.config import InferenceConfig
from ms_segformer.picture_segmenter import PictureSegmenter
from ms_segformer.windows import sliding_windows

SLIDE = InferenceConfig(mode="slide", crop=(48, 64), stride=(32, 40))
CASES = {
    "whole": InferenceConfig(),
    "slide": SLIDE,
    "padded": SLIDE,
    "fitted": InferenceConfig(size=(48, 64)),
    "looks": InferenceConfig(scales=(1.0, 0.5), flip=True),
}


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    """Pictures with the logits and classes that golden/make_inference.py got from PyTorch."""
    with np.load(Path(__file__).parent / "golden" / "inference.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def forward(golden: dict[str, np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The stand-in for a network that PyTorch computed."""

    def network(images: np.ndarray) -> np.ndarray:
        return 3 * np.tanh(np.einsum("kc,bchw->bkhw", golden["weight"], images[:, :, ::4, ::4]))

    return network


@pytest.mark.parametrize("case", CASES)
def test_logits_and_classes_are_those_of_pytorch(case: str, golden: dict, forward: Callable) -> None:
    segmenter = PictureSegmenter(forward, CASES[case])
    image = golden[f"{case}_image"]
    logits, classes = segmenter.logits(image), segmenter.segment(image)
    assert logits.dtype == np.float32
    assert classes.dtype == np.uint8
    np.testing.assert_allclose(logits[:, ::3, ::2], golden[f"{case}_logits"], atol=2e-5)
    agree = (classes == golden[f"{case}_classes"]) | golden[f"{case}_thin"]
    assert agree.all()
    assert golden[f"{case}_thin"].mean() < 0.001
    assert len(np.unique(classes)) > 2


@pytest.mark.parametrize("settings", [SLIDE, InferenceConfig(mode="slide", crop=(48, 64), stride=(48, 64))])
def test_mirrored_windows_come_back_to_their_place(
    settings: InferenceConfig, golden: dict, forward: Callable
):
    """A network that looks at single pixels says the same of a mirrored picture, so the mean is what one look says."""

    def every_pixel(images: np.ndarray) -> np.ndarray:
        return np.einsum("kc,bchw->bkhw", golden["weight"], images)

    once = PictureSegmenter(every_pixel, settings)
    both = PictureSegmenter(every_pixel, InferenceConfig("slide", settings.crop, settings.stride, flip=True))
    image = golden["slide_image"]
    np.testing.assert_array_equal(both.segment(image), once.segment(image))
    np.testing.assert_array_equal(once.segment(image), once.logits(image).argmax(0))


def test_maps_of_another_size_are_made_on_request(golden: dict, forward: Callable):
    segmenter = PictureSegmenter(forward, CASES["fitted"])
    picture = segmenter.prepare(golden["fitted_image"])
    assert (picture.size, picture.fitted) == ((96, 128), (48, 64))
    seen = segmenter.look(picture)
    assert seen.classes().shape == (96, 128)
    small = seen.classes(picture.fitted)
    assert small.shape == (48, 64)
    np.testing.assert_array_equal(small, seen.logits(picture.fitted).argmax(0))


def test_equal_values_give_the_first_class():
    segmenter = PictureSegmenter(lambda images: np.zeros((1, 3, 8, 8), np.float32), InferenceConfig())
    assert not segmenter.segment(np.zeros((32, 32, 3), np.uint8)).any()


@pytest.mark.parametrize(
    ("size", "settings", "words"),
    [
        ((16, 16), InferenceConfig(), "street.png: is 16x16 pixels; SegFormer needs 32 a side"),
        ((16, 200), SLIDE, "200x16 pixels"),
        ((50, 60), InferenceConfig(scales=(1.0, 0.5)), "60x50 pixels, looked at in 30x25"),
    ],
)
def test_a_picture_that_is_too_small_is_named(
    size: tuple[int, int], settings: InferenceConfig, words: str, forward: Callable
):
    with pytest.raises(UserError, match=words):
        PictureSegmenter(forward, settings).prepare(np.zeros((*size, 3), np.uint8), "street.png")


def test_a_small_picture_may_be_enlarged(forward: Callable):
    segmenter = PictureSegmenter(forward, InferenceConfig(size=(64, 64)))
    assert segmenter.segment(np.zeros((16, 12, 3), np.uint8)).shape == (16, 12)


def test_windows_of_cityscapes():
    """1024 x 2048 by windows of 1024 every 768: the last one moved back inside."""
    windows = sliding_windows((1024, 2048), (1024, 1024), (768, 768))
    assert [(w.left, w.right) for w in windows] == [(0, 1024), (768, 1792), (1024, 2048)]


@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_windows_cover_the_picture_and_stay_inside(size: tuple, crop: tuple, stride: tuple):
    stride = min(stride[0], crop[0]), min(stride[1], crop[1])
    covered = np.zeros(size, int)
    windows = sliding_windows(size, crop, stride)
    for window in windows:
        assert window.size == tuple(min(side) for side in zip(size, crop, strict=True))
        covered[window.place] += 1
    assert covered.shape == size
    assert covered.min() >= 1
    assert len(set(windows)) == len(windows)
