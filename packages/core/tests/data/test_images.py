"""Reading pictures of every kind as upright 8-bit RGB."""

import cv2
import numpy as np
import pytest
from ms_core.data.images import decode_image, image_size, possible_sizes, read_bytes, read_image
from ms_core.errors import UserError
from PIL import Image, ImageOps


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    return block


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, picture, suffix, orientation):
    path = picture(tmp_path / f"a.{suffix}", exif=exif(orientation))
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_allclose(read_image(path).astype(int), expected, atol=2)
    assert image_size(path) == expected.shape[1::-1]


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_annotated_size_decides_whether_exif_turns(tmp_path, picture, orientation):
    path = picture(tmp_path / "a.jpg", exif=exif(orientation))  # 64x48 as stored, 48x64 upright
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)[..., ::-1]
    np.testing.assert_array_equal(read_image(path, (64, 48)), stored)
    assert read_image(path, (48, 64)).shape == (64, 48, 3)
    assert read_image(path).shape == (64, 48, 3)
    assert possible_sizes(path) == {(64, 48), (48, 64)}


def test_a_size_that_fits_neither_way_is_an_error(tmp_path, picture):
    path = picture(tmp_path / "a.jpg")
    with pytest.raises(UserError, match=r"a\.jpg: the picture is 64x48 but annotated as 640x480"):
        read_image(path, (640, 480))
    assert read_image(path, (63, 49)).shape == (48, 64, 3)  # rounding of a tool


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3), (40, 50, 4)])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_scale_to_eight(tmp_path, shape, suffix):
    deep = np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)
    deep[0, 0], deep[0, 1] = 0, 65535
    path = tmp_path / f"deep.{suffix}"
    assert cv2.imwrite(str(path), deep)
    image = read_image(path)
    assert image.shape == (40, 50, 3)
    assert image.dtype == np.uint8
    expected = deep[..., None].repeat(3, axis=2) if deep.ndim == 2 else deep[..., 2::-1]
    assert np.abs(image - expected / 257).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_modes_become_rgb(tmp_path, picture, mode):
    image = Image.open(picture(tmp_path / "a.png")).convert(mode)
    path = tmp_path / ("b.jpg" if mode == "CMYK" else "b.png")
    image.save(path)
    with Image.open(path) as saved:
        expected = np.asarray(saved.convert("RGB")).astype(int)
    np.testing.assert_allclose(read_image(path).astype(int), expected, atol=2)


def test_red_comes_first(tmp_path):
    Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "red.png")
    assert read_image(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]


def test_a_format_only_pillow_reads(tmp_path):
    Image.new("RGB", (8, 6), (0, 0, 255)).save(tmp_path / "blue.gif")
    assert read_image(tmp_path / "blue.gif")[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("name", ["фото.jpg", "写真 1.png", "a b/c,d.jpg"])
def test_unicode_and_spaces(tmp_path, picture, name):
    assert read_image(picture(tmp_path / name)).shape == (48, 64, 3)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_truncated_files_are_refused(tmp_path, picture, suffix, part):
    data = picture(tmp_path / f"a.{suffix}").read_bytes()
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(UserError, match=rf"cut\.{suffix}: .*(truncated|damaged)"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_notes_after_the_end_mark_do_no_harm(tmp_path, picture, suffix):
    path = picture(tmp_path / f"a.{suffix}")
    path.write_bytes(path.read_bytes() + b"appended by a camera" * 10)
    assert read_image(path).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"no image at all", "no known image format")]
)
def test_files_that_are_no_image(tmp_path, content, words):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_image(path)


def test_a_missing_file_is_named_with_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for read in (read_image, image_size):
        with pytest.raises(UserError, match="no such image file") as caught:
            read("a.jpg") if read is read_image else image_size(tmp_path / "a.jpg")
        assert str(tmp_path / "a.jpg") in str(caught.value)


def test_another_decoder_gives_the_stored_pixels_and_pillow_what_it_cannot(tmp_path, picture):
    path = picture(tmp_path / "a.png", exif=exif(6))
    stored = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    turned = decode_image(read_bytes(path), path, decoder=lambda data: stored.copy())
    np.testing.assert_array_equal(turned, np.rot90(stored, -1))
    np.testing.assert_array_equal(
        decode_image(read_bytes(path), path, decoder=lambda data: None), read_image(path)
    )
