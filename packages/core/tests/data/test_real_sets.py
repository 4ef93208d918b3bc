"""The real sets of the shared folder, as their makers left them."""

from collections import Counter

import numpy as np
import pytest
from ms_core.data.check import check_datasets
from ms_core.data.config import DetectionDataConfig
from ms_core.data.convert import convert_dataset
from ms_core.data.images import read_image
from ms_core.data.open import open_dataset
from ms_core.errors import UserError


def test_bccd_has_two_boxes_without_size(shared):
    root = shared / "data/bccd/BCCD"
    with pytest.raises(UserError, match=r"BloodImage_00338\.xml: box 13 has width 0 \(xmin=504"):
        open_dataset(root)
    dataset = open_dataset(root, invalid_boxes="drop")
    assert (len(dataset), dataset.box_count, dataset.dropped) == (364, 4886, 2)
    assert dataset.classes == ("Platelets", "RBC", "WBC")
    splits = {
        name: open_dataset(root / f"ImageSets/Main/{name}.txt", invalid_boxes="drop")
        for name in ("train", "val", "test")
    }
    assert [len(split) for split in splits.values()] == [205, 87, 72]


def test_bccd_check(shared):
    lists = shared / "data/bccd/BCCD/ImageSets/Main"
    config = DetectionDataConfig(*(str(lists / f"{name}.txt") for name in ("train", "val", "test")))
    report = check_datasets(config)
    assert sorted(problem.where[-20:] for problem in report.errors) == [
        "BloodImage_00338.xml",
        "BloodImage_00343.xml",
    ]
    assert report.warnings == ()


def test_microcontroller_by_way_of_txt(shared, tmp_path):
    boards = open_dataset(shared / "data/microcontroller/train")
    assert (len(boards), boards.box_count) == (142, 170)
    images = shared / "data/microcontroller/train"
    convert_dataset(boards, tmp_path / "train.txt", to="txt", images=images)
    listed = open_dataset(tmp_path / "train.txt", images=images)
    assert listed.classes == boards.classes
    for one, other in zip(boards.samples, listed.samples, strict=True):
        assert one.path == other.path
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.labels, other.labels)


def test_voc100_as_voc_equals_its_coco_file(shared):
    """Every xmin and ymin differs by 1, no xmax and ymax: VOC counts pixels from 1 and includes the last."""
    root = shared / "data/voc100"
    coco = open_dataset(root / "instances_voc100.json", images=root / "VOC2012mini")
    voc = open_dataset(root / "VOC2012mini", classes=root / "voc.names")
    assert voc.classes == coco.classes
    assert voc.box_count == 273
    for one, other in zip(voc.samples, coco.samples, strict=True):
        assert (one.path, one.id, one.width, one.height) == (other.path, other.id, other.width, other.height)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.areas, other.areas)
        np.testing.assert_array_equal(one.difficult, other.crowd)  # that file calls difficult boxes crowd
    assert sum(int(sample.difficult.sum()) for sample in voc.samples) == 38


def test_coco_small(shared):
    folder = shared / "data/coco_small/annotations"
    train = open_dataset(folder / "instances_train2017.json")
    val = open_dataset(folder / "instances_val2017.json", classes=train.classes)
    assert (len(train), train.box_count, len(val), val.box_count) == (88, 792, 49, 495)
    assert train.category_ids[-1] == 90
    assert len(train.classes) == 80
    assert [sum(int(s.crowd.sum()) for s in split.samples) for split in (train, val)] == [9, 7]
    for sample in val.samples:
        assert read_image(sample.path, (sample.width, sample.height)).shape == (
            sample.height,
            sample.width,
            3,
        )


def test_coco_small_round_trip(shared, tmp_path):
    start = open_dataset(shared / "data/coco_small/annotations/instances_val2017.json")
    content = start.to_coco()
    convert_dataset(start, tmp_path / "again.json", to="coco")
    again = open_dataset(tmp_path / "again.json").to_coco()
    assert again["annotations"] == content["annotations"]
    assert again["categories"] == content["categories"]


def test_ground_truth_numbers_survive(shared):
    """To the last written digit: so scores are those of the file itself."""
    import json

    path = shared / "data/coco_small/annotations/instances_val2017.json"
    original = {
        (a["image_id"], a["category_id"], *a["bbox"])
        for a in json.loads(path.read_text("utf-8"))["annotations"]
    }
    read = Counter(
        (a["image_id"], a["category_id"], *a["bbox"]) for a in open_dataset(path).to_coco()["annotations"]
    )
    assert set(read) == original
