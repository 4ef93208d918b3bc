"""Reading pictures and labels."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation.palette import default_palette
from ms_core.segmentation.sample import SegmentationDataset, SegmentationSample
from PIL import Image

Maker = Callable[..., Path]


def dataset_of(image: Path, mask: Path | None, count: int = 2) -> SegmentationDataset:
    names = tuple(f"class {label}" for label in range(count))
    sample = SegmentationSample(image, mask, "a")
    return SegmentationDataset((sample,), names, default_palette(count), image.parent)


def test_picture_and_label(tmp_path: Path, picture: Maker, mask: Maker) -> None:
    dataset = dataset_of(picture(tmp_path / "a.png"), mask(tmp_path / "b.png", [1, 0, 255]))
    assert dataset.read_image(0).shape == (40, 48, 3)
    label = dataset.read_label(0)
    assert (label.shape, label.dtype) == ((40, 48), np.uint8)
    assert label[0, :4].tolist() == [1, 0, 255, 1]


def test_mask_of_another_size(tmp_path: Path, picture: Maker, mask: Maker) -> None:
    dataset = dataset_of(picture(tmp_path / "a.png"), mask(tmp_path / "b.png", size=(40, 48)))
    with pytest.raises(
        UserError, match=r"b\.png: the mask is 40x48 pixels, but its picture .*a\.png is 48x40\. Use"
    ):
        dataset.read_label(0)


def test_value_that_is_no_class(tmp_path: Path, picture: Maker, mask: Maker) -> None:
    dataset = dataset_of(picture(tmp_path / "a.png"), mask(tmp_path / "b.png", [0, 33, 33]))
    with pytest.raises(
        UserError, match=r"b\.png: value 33 \(2 pixels\) is no class; classes are 0-1, 255 for"
    ):
        dataset.read_label(0)


def test_unreadable_and_missing(tmp_path: Path, picture: Maker) -> None:
    image = picture(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"none\.png: no such"):
        dataset_of(image, tmp_path / "none.png").read_label(0)
    image.write_bytes(image.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"a\.png: the image file is truncated"):
        dataset_of(image, None).read_image(0)


@pytest.mark.parametrize("upright", [True, False])
def test_pictures_that_exif_turns_stay_on_their_mask(
    tmp_path: Path, picture: Maker, mask: Maker, upright: bool
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = picture(tmp_path / "a.jpg", 48, 40, exif=exif)
    dataset = dataset_of(image, mask(tmp_path / "b.png", size=(40, 48) if upright else (48, 40)))
    assert (
        dataset.read_image(0).shape[:2] == dataset.read_label(0).shape == ((48, 40) if upright else (40, 48))
    )
    assert dataset_of(image, None).read_image(0).shape == (48, 40, 3)


def test_threads_read_the_same(tmp_path: Path, picture: Maker, mask: Maker) -> None:
    values = np.random.default_rng(0).integers(0, 2, (40, 48))
    dataset = dataset_of(picture(tmp_path / "a.png"), mask(tmp_path / "b.png", values))
    with ThreadPoolExecutor(4) as pool:
        assert all((label == values).all() for label in pool.map(dataset.read_label, [0] * 40))
