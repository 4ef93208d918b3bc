"""Classes, Cityscapes, and what opening refuses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation.cityscapes_labels import CLASSES, PALETTE
from ms_core.segmentation.config import SegmentationDataConfig, root_before_folders
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
    with pytest.raises(UserError, match="reduce_zero_label: is not for the Cityscapes layout"):
        open_split(SegmentationDataConfig(root=tmp_path, reduce_zero_label=True), "train")


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"class {number}" for number in range(count))


def test_own_classes_in_the_cityscapes_layout(tmp_path: Path, cityscapes: Maker) -> None:
    """labelTrainIds of any number of classes hold the numbers of the names."""
    cityscapes(tmp_path, kinds={"labelTrainIds": [0, 2, 255], "labelIds": [7, 33, 0]})
    few, many = (
        open_split(SegmentationDataConfig(root=tmp_path, classes=numbered(count)), "train")
        for count in (3, 30)
    )
    assert (few.classes, few.format, few.palette.shape) == (numbered(3), "cityscapes", (3, 3))
    for dataset in (few, many):
        assert np.unique(dataset.read_label(0)).tolist() == [0, 2, IGNORE]
    (tmp_path / "own.txt").write_text("road 1 2 3\nsky 4 5 6\ncar 7 8 9\n")
    coloured = SegmentationDataConfig(root=tmp_path, classes=str(tmp_path / "own.txt"))
    assert open_split(coloured, "train").palette[2].tolist() == [7, 8, 9]
    with pytest.raises(
        UserError, match=r"value 2 \(1 pixels\) is no class; classes are 0-1, .* Correct the mask"
    ):
        open_split(SegmentationDataConfig(root=tmp_path, classes=numbered(2)), "train").read_label(0)


def test_label_ids_mean_the_19_classes_of_cityscapes(tmp_path: Path, cityscapes: Maker) -> None:
    cityscapes(tmp_path, kinds={"labelIds": [7, 33, 0]})
    own = open_split(SegmentationDataConfig(root=tmp_path, classes=numbered(19)), "train")
    assert (own.classes, own.palette.tolist()) == (numbered(19), PALETTE.tolist())
    assert np.unique(own.read_label(0)).tolist() == [0, 18, IGNORE]
    with pytest.raises(
        UserError, match=r"data\.classes: 3 names, but .* labelIds, .* 19 classes of Cityscapes\. "
    ):
        open_split(SegmentationDataConfig(root=tmp_path, classes=numbered(3)), "train")


def test_reduce_zero_label(tmp_path: Path, pairs: Maker) -> None:
    pairs(tmp_path / "train", tmp_path / "trainannot", values=[0, 1, 2, 255])
    config = SegmentationDataConfig(root=tmp_path, classes=("a", "b"), reduce_zero_label=True)
    assert open_split(config, "train").read_label(0)[0, :4].tolist() == [IGNORE, 0, 1, IGNORE]


def test_values_outside_a_byte_are_refused() -> None:
    with pytest.raises(ValueError, match="ignore: 256 is not within 0-255"):
        SegmentationDataConfig(ignore=256)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"data.root"}, ()),
        ({"data.root", "data.val"}, ("val",)),
        ({"data.root", "data.val_masks"}, ("val_masks",)),
        ({"data.val"}, ("train", "val", "val_masks", "test")),
        ((), ("train", "val", "val_masks", "test")),
    ],
)
def test_a_root_of_the_command_line_comes_before_stored_folders(
    given: set[str], kept: tuple[str, ...]
) -> None:
    folders = {name: Path(name) for name in ("train", "val", "val_masks", "test")}
    config = SegmentationDataConfig(root=Path("other"), classes=("a", "b"), **folders)
    expected = SegmentationDataConfig(
        root=Path("other"), classes=("a", "b"), **{name: folders[name] for name in kept}
    )
    assert root_before_folders(config, given) == expected


def test_a_root_that_is_taken_back_leaves_the_folders() -> None:
    config = SegmentationDataConfig(val=Path("val"))
    assert root_before_folders(config, {"data.root"}) == config
