"""Splits are found in every usual layout, and never guessed between two."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.open import has_split, open_split
from ms_core.segmentation.sample import SegmentationDataset

Maker = Callable[..., Path]
CLASSES = ("a", "b")
LAYOUTS = [
    ("images/{}", "masks/{}"),
    ("images/{}", "labels/{}"),
    ("images/{}", "annotations/{}"),
    ("img_dir/{}", "ann_dir/{}"),
    ("{}/images", "{}/masks"),
    ("{}", "{}annot"),
    ("{}", "{}_labels"),
    ("{}", "masks/{}"),
    ("{}_images", "{}_masks"),
]


def opened(root: Path, split: str = "train", **settings: object) -> SegmentationDataset:
    config = SegmentationDataConfig(root=root, classes=CLASSES, **settings)  # type: ignore[arg-type]
    return open_split(config, split)  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_root_of_every_layout(tmp_path: Path, pairs: Maker, layout: tuple[str, str]) -> None:
    for split, count in (("train", 3), ("val", 2)):
        pairs(tmp_path / layout[0].format(split), tmp_path / layout[1].format(split), count)
    for split, count in (("train", 3), ("val", 2)):
        dataset = opened(tmp_path, split)
        assert (len(dataset), dataset.has_masks) == (count, True)
        assert dataset.samples[0].mask.parent == tmp_path / layout[1].format(split)
    config = SegmentationDataConfig(root=tmp_path)
    assert [has_split(config, split) for split in ("train", "val", "test")] == [True, True, False]


def test_other_names_of_splits(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "images/training", tmp_path / "annotations/training")
    pairs(tmp_path / "images/validation", tmp_path / "annotations/validation")
    assert len(opened(tmp_path, "train")) == len(opened(tmp_path, "val")) == 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_beside_a_folder_of_pictures(tmp_path: Path, pairs: Maker, layout: tuple[str, str]) -> None:
    images, masks = (tmp_path / place.format("train") for place in layout)
    pairs(images, masks)
    dataset = open_split(SegmentationDataConfig(train=images, classes=CLASSES), "train")
    assert dataset.samples[0].mask.parent == masks


def test_two_folders_of_masks_are_an_error(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "images/train", tmp_path / "masks/train")
    pairs(tmp_path / "images/train", tmp_path / "labels/train")
    with pytest.raises(
        UserError, match=r"its masks could lie in .*masks/train, .*labels/train\. Name .*train-masks"
    ):
        opened(tmp_path)
    assert len(opened(tmp_path, train_masks=tmp_path / "labels/train")) == 2


def test_two_folders_of_pictures_are_an_error(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "images/train", tmp_path / "masks/train")
    pairs(tmp_path / "img_dir/train", tmp_path / "ann_dir/train")
    with pytest.raises(UserError, match=r"pictures of train could lie in .*images/train, .*img_dir/train"):
        opened(tmp_path)


def test_what_was_looked_for_is_said(tmp_path: Path, picture: Maker) -> None:
    with pytest.raises(UserError, match=r"no train pictures \(looked for leftImg8bit/train, images/train"):
        opened(tmp_path)
    picture(tmp_path / "train/0.jpg")
    with pytest.raises(UserError, match=r"no folder of masks beside it \(looked for trainannot, masks/train"):
        opened(tmp_path)
    with pytest.raises(UserError, match=r"nowhere: no such folder; looked for the data at /"):
        opened(Path("nowhere"))
    with pytest.raises(UserError, match=r"no val data\. Pass --data\.root FOLDER, or --data\.val FOLDER"):
        open_split(SegmentationDataConfig(), "val")
    with pytest.raises(UserError, match=r"nowhere: no such folder or list; looked for the val pictures"):
        open_split(SegmentationDataConfig(val=Path("nowhere")), "val")


def test_only_a_test_set_may_lack_masks(tmp_path: Path, picture: Maker) -> None:
    picture(tmp_path / "test/0.jpg")
    dataset = opened(tmp_path, "test")
    assert (len(dataset), dataset.has_masks) == (1, False)
    with pytest.raises(UserError, match=r"0\.jpg: has no mask"):
        dataset.read_label(0)


def test_an_own_folder_comes_before_the_root(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "train", tmp_path / "trainannot", 3)
    pairs(tmp_path / "more/train", tmp_path / "more/trainannot", 1)
    assert len(opened(tmp_path, train=tmp_path / "more/train")) == 1
