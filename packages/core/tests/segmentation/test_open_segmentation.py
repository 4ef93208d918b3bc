"""Classes, Cityscapes, and what opening refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation.cityscapes_labels import CLASSES, PALETTE
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.open import has_split, open_split
from ms_core.segmentation.sample import IGNORE

Maker = Callable[..., Path]


def test_cityscapes(tmp_path: Path, cityscapes: Maker) -> None:
    cityscapes(tmp_path)
    cityscapes(tmp_path, "val")
    config = SegmentationDataConfig(root=tmp_path)
    dataset = open_split(config, "train")
    assert [sample.name for sample in dataset.samples] == [
        "bonn_000005_000019_leftImg8bit",
        "ulm_000000_000019_leftImg8bit",
        "ulm_000001_000019_leftImg8bit",
    ]
    assert (dataset.classes, dataset.format) == (CLASSES, "cityscapes")
    assert (dataset.palette == PALETTE).all()
    assert np.unique(dataset.read_label(0)).tolist() == [0, 18, IGNORE]
    assert [has_split(config, split) for split in ("train", "val", "test")] == [True, True, False]


def test_label_ids_are_mapped(tmp_path: Path, cityscapes: Maker) -> None:
    cityscapes(tmp_path, kinds={"labelIds": [7, 33, 0]})
    assert np.unique(open_split(SegmentationDataConfig(root=tmp_path), "train").read_label(0)).tolist() == [
        0,
        18,
        IGNORE,
    ]
    cityscapes(tmp_path, kinds={"labelTrainIds": [1, 255]})
    for labels, values in (("auto", [1, IGNORE]), ("labelIds", [0, 18, IGNORE])):
        dataset = open_split(SegmentationDataConfig(root=tmp_path, labels=labels), "train")
        assert np.unique(dataset.read_label(0)).tolist() == values


def test_cityscapes_without_label_images(tmp_path: Path, cityscapes: Maker) -> None:
    cityscapes(tmp_path, kinds={"labelTrainIds": [0], "labelIds": [7]})
    (tmp_path / "gtFine/train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png").unlink()
    dataset = open_split(SegmentationDataConfig(root=tmp_path), "train")
    assert dataset.samples[0].mask.name.endswith("_labelIds.png")
    (tmp_path / "gtFine/train/bonn/bonn_000005_000019_gtFine_labelIds.png").unlink()
    with pytest.raises(
        UserError, match=r"ulm_000000_000019_gtFine_labelTrainIds\.png: no such file \(1 of 3 .*convert"
    ):
        open_split(SegmentationDataConfig(root=tmp_path), "train")
    cityscapes(tmp_path, "test", kinds={})
    assert not open_split(SegmentationDataConfig(root=tmp_path), "test").has_masks
    cityscapes(tmp_path, "val", kinds={})
    with pytest.raises(UserError, match=r"gtFine/val: no such folder; the label images of"):
        open_split(SegmentationDataConfig(root=tmp_path), "val")


def test_wrong_roots_of_cityscapes(tmp_path: Path, cityscapes: Maker) -> None:
    cityscapes(tmp_path)
    with pytest.raises(UserError, match=r"leftImg8bit: pass the folder above it"):
        open_split(SegmentationDataConfig(root=tmp_path / "leftImg8bit"), "train")
    with pytest.raises(UserError, match=r"gtFine: no folder leftImg8bit in it"):
        open_split(SegmentationDataConfig(root=tmp_path / "gtFine", format="cityscapes"), "train")
    with pytest.raises(UserError, match=r"leftImg8bit/val: no such folder, so there is no val data"):
        open_split(SegmentationDataConfig(root=tmp_path), "val")


def test_classes_must_be_known(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "train", tmp_path / "trainannot", values=[3, 0, 7])
    config = SegmentationDataConfig(root=tmp_path)
    with pytest.raises(
        UserError, match=r"its classes are not known\. 2 of its masks hold the values 0, 3, 7\. Pass"
    ):
        open_split(config, "train")
    names = tuple("abcdefgh")
    assert open_split(config, "train", names).classes == names
    (tmp_path / "classes.txt").write_text("\n".join(names))
    dataset = open_split(config, "train")
    assert (dataset.classes, dataset.notes) == (names, (f"classes are those of {tmp_path / 'classes.txt'}",))


def test_coloured_masks_ask_for_colours(tmp_path: Path, pairs: Maker, mask: Maker) -> None:
    pairs(tmp_path / "train", tmp_path / "trainannot")
    for number in range(2):
        mask(tmp_path / f"trainannot/train{number}.png", np.full((40, 48, 3), (9, 8, 7)))
    config = SegmentationDataConfig(root=tmp_path)
    with pytest.raises(
        UserError, match=r"2 of its masks are coloured\. Pass --data\.classes FILE \(`name r g b` a line\)"
    ):
        open_split(config, "train")
    (tmp_path / "classes.txt").write_text("cat 9 8 7\ndog 1 1 1\n")
    dataset = open_split(config, "train")
    assert np.unique(dataset.read_label(1)).tolist() == [0]
    assert dataset.palette.tolist() == [[9, 8, 7], [1, 1, 1]]


def test_labels_in_the_order_of_a_trained_network(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "train", tmp_path / "trainannot", values=[0, 1])
    config = SegmentationDataConfig(root=tmp_path, classes=("cat", "dog"))
    dataset = open_split(config, "train", ("dog", "fox", "cat"))
    assert dataset.classes == ("dog", "fox", "cat")
    assert np.unique(dataset.read_label(0)).tolist() == [0, 2]
    with pytest.raises(
        UserError, match=r"2 classes, but 3 are expected; 'dog' is not one of them \(cat, cow, fox\)"
    ):
        open_split(config, "train", ("cat", "cow", "fox"))


def test_cityscapes_with_another_number_of_classes(tmp_path: Path, cityscapes: Maker) -> None:
    cityscapes(tmp_path)
    with pytest.raises(UserError, match=r"19 classes, but 2 are expected; 'sidewalk' is not one of them"):
        open_split(SegmentationDataConfig(root=tmp_path), "train", ("road", "car"))
    with pytest.raises(UserError, match=r"data\.classes: 2 names, but the Cityscapes layout has 19 classes"):
        open_split(SegmentationDataConfig(root=tmp_path, classes=("road", "car")), "train")
    with pytest.raises(UserError, match="reduce_zero_label: is not for the Cityscapes layout"):
        open_split(SegmentationDataConfig(root=tmp_path, reduce_zero_label=True), "train")
    own = tuple(f"class {number}" for number in range(19))
    assert open_split(SegmentationDataConfig(root=tmp_path, classes=own), "train").classes == own


def test_reduce_zero_label(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "train", tmp_path / "trainannot", values=[0, 1, 2, 255])
    config = SegmentationDataConfig(root=tmp_path, classes=("a", "b"), reduce_zero_label=True)
    assert open_split(config, "train").read_label(0)[0, :4].tolist() == [IGNORE, 0, 1, IGNORE]


def test_values_outside_a_byte_are_refused() -> None:
    with pytest.raises(ValueError, match="ignore: 256 is not within 0-255"):
        SegmentationDataConfig(ignore=256)
