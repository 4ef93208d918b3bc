"""Text files that list pictures."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.open import open_split
from ms_core.segmentation.sample import SegmentationDataset

Maker = Callable[..., Path]


def opened(**places: Path) -> SegmentationDataset:
    return open_split(SegmentationDataConfig(classes=("a", "b"), **places), "train")  # type: ignore[arg-type]


def written(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def names(dataset: SegmentationDataset) -> list[tuple[str, str]]:
    return [(s.image.name, s.mask.name) for s in dataset.samples if s.mask is not None]


@pytest.mark.parametrize("separator", [" ", "\t", ", "])
def test_pictures_and_masks_in_the_order_of_the_list(tmp_path: Path, pairs: Maker, separator: str) -> None:
    pairs(tmp_path / "photos", tmp_path / "truth", 3)
    lines = [f"photos/photos{i}.jpg{separator}truth/photos{i}.png" for i in (2, 0)]
    dataset = opened(train=written(tmp_path / "train.txt", *lines))
    assert names(dataset) == [("photos2.jpg", "photos2.png"), ("photos0.jpg", "photos0.png")]


def test_names_without_endings_as_in_voc(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "JPEGImages", tmp_path / "SegmentationClass", 3)
    written(tmp_path / "ImageSets/Segmentation/train.txt", "JPEGImages2", "JPEGImages1")
    assert names(opened(root=tmp_path)) == [
        ("JPEGImages2.jpg", "JPEGImages2.png"),
        ("JPEGImages1.jpg", "JPEGImages1.png"),
    ]


def test_list_in_a_root_with_one_folder_of_each(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "images", tmp_path / "masks", 3, ending="_mask")
    written(tmp_path / "train.txt", "images1.jpg", "images0.jpg")
    dataset = opened(root=tmp_path)
    assert names(dataset) == [("images1.jpg", "images1_mask.png"), ("images0.jpg", "images0_mask.png")]
    assert dataset.notes == (f"1 of 3 masks in {tmp_path / 'masks'} belong to no picture",)


def test_list_with_a_folder_of_masks(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "photos", tmp_path / "elsewhere")
    path = written(tmp_path / "some.txt", "photos1.jpg")
    with pytest.raises(UserError, match=r"some\.txt: photos1\.jpg: no image file at"):
        opened(train=path)
    path = written(tmp_path / "photos/some.txt", "photos1.jpg")
    with pytest.raises(
        UserError, match=r"names no masks, and no folder of masks .* Name it with --data\.train-masks"
    ):
        opened(train=path)
    assert names(opened(train=path, train_masks=tmp_path / "elsewhere")) == [("photos1.jpg", "photos1.png")]


def test_faulty_lists(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "photos", tmp_path / "truth")
    path = written(tmp_path / "a.txt", "photos/photos0.jpg truth/photos0.png", "photos/photos1.jpg")
    with pytest.raises(UserError, match=r"a\.txt: every line must name a picture, or all of them"):
        opened(train=path)
    path = written(
        tmp_path / "b.txt", "photos/photos0.jpg truth/none.png", "photos/photos1.jpg truth/photos1.png"
    )
    with pytest.raises(
        UserError, match=r"photos0\.jpg: no mask named like it in .* \(1 of 2 pictures have none\)"
    ):
        opened(train=path)
