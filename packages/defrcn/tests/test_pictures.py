"""One picture: decoded as the core does, mirrored, and as the network reads it."""

from pathlib import Path

import cv2
import mmcv
import numpy as np
import pytest
from ms_core.data.images import read_image
from ms_core.data.sample import Sample, read_file
from ms_core.errors import UserError
from ms_defrcn.pictures import decode, mirror, normalise
from PIL import Image, ImageOps


def picture_of(height: int, width: int) -> np.ndarray:
    """Blurred noise, uint8 [H, W, 3] RGB."""
    noise = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


def sample_of(path: Path, width: int, height: int) -> Sample:
    empty = np.zeros(0, bool)
    return Sample(
        1, path, width, height, np.zeros((0, 4), np.float32), np.zeros(0, np.int32), empty, empty, empty
    )


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 6, 8])
def test_pictures_are_what_the_core_reads(tmp_path: Path, suffix: str, orientation: int) -> None:
    path, exif = tmp_path / f"a.{suffix}", Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture_of(40, 60)).save(path, exif=exif)
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    decoded = decode(sample_of(path, upright.shape[1], upright.shape[0]), read_file)
    np.testing.assert_array_equal(decoded, read_image(path, upright.shape[1::-1]))
    np.testing.assert_allclose(decoded.astype(int), upright, atol=3)


def test_boxes_on_the_stored_pixels_keep_them(tmp_path: Path) -> None:
    path, exif = tmp_path / "a.jpg", Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture_of(40, 60)).save(path, exif=exif)
    assert decode(sample_of(path, 60, 40), read_file).shape == (40, 60, 3)
    assert decode(sample_of(path, 40, 60), read_file).shape == (60, 40, 3)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    good = tmp_path / "good.jpg"
    Image.fromarray(picture_of(40, 60)).save(good)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(good.read_bytes()[:-300])
    text = tmp_path / "text.jpg"
    text.write_text("no picture at all")
    for path, words in (
        (cut, "truncated or damaged"),
        (text, "not an image"),
        (tmp_path / "gone.jpg", "no such image file"),
    ):
        with pytest.raises(UserError, match=rf"{path.name}: .*{words}"):
            decode(sample_of(path, 60, 40), read_file)
    with pytest.raises(UserError, match="60x40 but annotated as 600x400"):
        decode(sample_of(good, 600, 400), read_file)


def test_normalising_is_mmcvs_bit_for_bit() -> None:
    image = picture_of(30, 50)
    expected = mmcv.imnormalize(image, np.array([103.53, 116.28, 123.675]), np.ones(3), to_rgb=True)
    network_input = normalise(image)
    np.testing.assert_array_equal(network_input, expected.transpose(2, 0, 1))
    assert network_input.dtype == np.float32
    blue = image[..., 2].astype(np.float64) - 103.53
    np.testing.assert_allclose(network_input[0], blue, atol=1e-5)


def test_normalising_into_a_batch_leaves_the_rest_alone() -> None:
    image, canvas = picture_of(30, 50), np.zeros((2, 3, 48, 64), np.float32)
    normalise(image, out=canvas[1, :, :30, :50])
    expected = mmcv.impad(normalise(image).transpose(1, 2, 0), shape=(48, 64), pad_val=0)
    np.testing.assert_array_equal(canvas[1], expected.transpose(2, 0, 1))
    assert not canvas[0].any()


def test_mirrored_boxes_hold_the_same_pixels() -> None:
    image = picture_of(30, 50)
    boxes = np.float32([[3, 4, 20, 9], [0, 0, 50, 30]])
    left, top, right, bottom = 3, 4, 20, 9
    inside = image[top:bottom, left:right].copy()
    mirrored, (box, whole) = mirror(image, boxes)
    x0, y0, x1, y1 = box.astype(int)
    np.testing.assert_array_equal(mirrored[y0:y1, x0:x1], inside[:, ::-1])
    np.testing.assert_array_equal(whole, [0, 0, 50, 30])
    np.testing.assert_array_equal(boxes[0], [3, 4, 20, 9])
