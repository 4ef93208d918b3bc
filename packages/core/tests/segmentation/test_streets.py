"""Synthetic streets: the same for a seed, in the Cityscapes layout, with every class."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation.check import check_segmentation
from ms_core.segmentation.cityscapes_labels import CLASSES, ID_TO_TRAIN_ID
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.open import open_split
from ms_core.segmentation.streets import make_streets
from ms_core.segmentation.streets.scene import draw_street


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_streets(tmp_path_factory.mktemp("streets") / "set", train=6, val=2, size=(96, 192)).root


def test_a_set_that_opens_and_has_no_fault(streets: Path) -> None:
    report = check_segmentation(SegmentationDataConfig(root=streets))
    assert report.errors == ()
    assert [(split.name, split.images, split.sizes) for split in report.splits] == [
        ("train", 6, ((192, 96), (192, 96))),
        ("val", 2, ((192, 96), (192, 96))),
    ]


def test_label_ids_say_the_same_as_training_ids(streets: Path) -> None:
    training, ids = (
        open_split(SegmentationDataConfig(root=streets, labels=labels), "train")
        for labels in ("labelTrainIds", "labelIds")
    )
    for index in range(len(training)):
        assert (training.read_label(index) == ids.read_label(index)).all()


def test_one_seed_one_set(streets: Path, tmp_path: Path) -> None:
    again = make_streets(tmp_path / "again", train=3, val=1, size=(96, 192))
    other = make_streets(tmp_path / "other", train=3, val=1, size=(96, 192), seed=2)
    for path in again.train:
        assert path.read_bytes() == (streets / path.relative_to(again.root)).read_bytes()
    assert again.train[0].read_bytes() != other.train[0].read_bytes()
    assert again.train[0].read_bytes() != again.val[0].read_bytes()


def test_every_class_occurs_and_most_of_them_often() -> None:
    images = np.zeros(256, int)
    for seed in range(40):
        _, ids = draw_street(np.random.default_rng(seed), (96, 192))
        images += np.bincount(cv2.LUT(ids, ID_TO_TRAIN_ID).ravel(), minlength=256) > 0
    counts = dict(zip(CLASSES, images[:19].tolist(), strict=True))
    assert min(counts.values()) >= 1, counts
    for name in ("road", "sidewalk", "building", "pole", "vegetation", "sky", "car", "person"):
        assert counts[name] >= 30, counts


@pytest.mark.parametrize("size", [(64, 64), (65, 131), (200, 64)])
def test_any_shape_of_picture(size: tuple[int, int]) -> None:
    picture, ids = draw_street(np.random.default_rng(0), size)
    assert (picture.shape, picture.dtype) == ((*size, 3), np.uint8)
    assert (ids.shape, ids.dtype) == (size, np.uint8)
    assert picture.std() > 10


def test_colour_alone_does_not_tell_the_class() -> None:
    """The best class for every colour, learned from 12 pictures, is wrong for many pixels of 4 others."""
    counts = np.zeros((16**3, 20), int)
    wrong = total = 0
    for seed in range(16):
        picture, ids = draw_street(np.random.default_rng(seed), (96, 192))
        bins = (picture // 16).astype(int) @ (256, 16, 1)
        labels = np.minimum(ID_TO_TRAIN_ID[ids], 19)
        if seed < 12:
            np.add.at(counts, (bins.ravel(), labels.ravel()), 1)
        else:
            wrong += int((counts.argmax(axis=1)[bins] != labels).sum())
            total += labels.size
    assert 0.25 < wrong / total < 0.7


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match=r"holds other files\. Give a new folder"):
        make_streets(tmp_path, train=1, val=1)
    with pytest.raises(UserError, match=r"0 train and 1 val pictures of 512x256 pixels; needs >= 1"):
        make_streets(tmp_path / "new", train=0, val=1)


def test_an_own_folder_is_written_anew(tmp_path: Path) -> None:
    make_streets(tmp_path / "set", train=3, val=1, size=(64, 64))
    again = make_streets(tmp_path / "set", train=1, val=1, size=(64, 64))
    assert sorted(again.root.glob("leftImg8bit/*/*/*.png")) == [*again.train, *again.val]
    assert len(list(again.root.glob("gtFine/*/*/*.png"))) == 4
