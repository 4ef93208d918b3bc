"""Pictures as networks read them."""

import cv2
import numpy as np
from ms_core.data.network_input import look_up, resize_image, single_thread_opencv


def test_opencv_threads_are_only_changed_when_asked() -> None:
    before = cv2.getNumThreads()
    try:
        single_thread_opencv()
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)


def test_a_size_is_height_and_width() -> None:
    assert resize_image(np.zeros((10, 20, 3), np.uint8), (4, 6)).shape == (4, 6, 3)


def test_every_value_is_looked_up_in_its_channel() -> None:
    image = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    table = np.random.default_rng(2).standard_normal((3, 256)).astype(np.float32)
    inverted = np.arange(255, -1, -1).astype(np.uint8)
    expected = np.stack([table[c][255 - image[..., c].astype(int)] for c in range(3)])
    np.testing.assert_array_equal(look_up(image, table, levels=inverted), expected)
    out = np.zeros((3, 5, 7), np.float32)
    assert look_up(image, table, levels=inverted, out=out) is out
    np.testing.assert_array_equal(out, expected)
