"""Mask files of every kind give the values their writer meant."""

from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation.masks import mask_size, read_mask
from PIL import Image

VALUES = np.array([[0, 1, 2, 255], [3, 250, 0, 7]], np.uint8)


def test_grey_png_bmp_tiff(tmp_path: Path) -> None:
    for ending in ("png", "bmp", "tif"):
        path = tmp_path / f"a.{ending}"
        Image.fromarray(VALUES).save(path)
        assert (read_mask(path) == VALUES).all(), ending
        assert mask_size(path) == (4, 2)


@pytest.mark.parametrize("bits", [8, 4])
def test_palette_files_give_indices(tmp_path: Path, bits: int) -> None:
    values = VALUES % 16
    image = Image.fromarray(values).convert("P")
    image.putdata(values.ravel().tolist())
    image.putpalette([(7 * i) % 256 for i in range(3 * (1 << bits))])
    image.save(tmp_path / "a.png", bits=bits)
    assert (read_mask(tmp_path / "a.png") == values).all()
    colours = read_mask(tmp_path / "a.png", "colour")
    assert colours[0, 1].tolist() == [21, 28, 35]


def test_one_bit_is_0_and_1(tmp_path: Path) -> None:
    Image.fromarray(VALUES > 2).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png").tolist() == (VALUES > 2).astype(int).tolist()


def test_colours_without_alpha(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png") == pixels[..., :3]).all()
    with pytest.raises(UserError, match=r"a\.png: a coloured mask, where values were expected"):
        read_mask(tmp_path / "a.png", "index")


def test_grey_with_alpha_or_transparency(tmp_path: Path) -> None:
    Image.fromarray(np.stack((VALUES, VALUES // 2), axis=-1)).save(tmp_path / "a.png")
    Image.fromarray(VALUES).save(tmp_path / "b.png", transparency=3)
    assert (read_mask(tmp_path / "a.png") == VALUES).all()
    assert (read_mask(tmp_path / "b.png") == VALUES).all()


def test_16_bits_only_while_values_fit(tmp_path: Path) -> None:
    Image.fromarray(VALUES.astype(np.uint16)).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png") == VALUES).all()
    Image.fromarray(VALUES.astype(np.uint16) + 26000).save(tmp_path / "b.png")
    with pytest.raises(UserError, match=r"b\.png: 8 pixels are beyond 0-255, up to 26255: 16-bit values"):
        read_mask(tmp_path / "b.png")


def test_grey_by_its_colours(tmp_path: Path) -> None:
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    assert (read_mask(tmp_path / "a.png", "colour") == VALUES[..., None]).all()


def test_what_cannot_be_a_mask(tmp_path: Path) -> None:
    Image.fromarray(VALUES).save(tmp_path / "a.jpg")
    with pytest.raises(UserError, match=r"a\.jpg: a JPEG mask: its compression changes values"):
        read_mask(tmp_path / "a.jpg")
    (tmp_path / "b.png").write_text("no picture")
    with pytest.raises(UserError, match=r"b\.png: not a mask image, or a damaged one"):
        read_mask(tmp_path / "b.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (90, 90), dtype=np.uint8)).save(
        tmp_path / "c.png"
    )
    whole = (tmp_path / "c.png").read_bytes()
    (tmp_path / "c.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"c\.png: not a mask image, or a damaged one"):
        read_mask(tmp_path / "c.png")
    with pytest.raises(UserError, match=r"d\.png: no such"):
        read_mask(tmp_path / "d.png")
    with pytest.raises(UserError, match=r"d\.png: no such"):
        mask_size(tmp_path / "d.png")
