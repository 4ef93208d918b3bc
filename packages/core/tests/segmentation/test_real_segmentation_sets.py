"""The real sets of the shared folder, as their makers left them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from ms_core.segmentation.check import check_segmentation
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.open import has_split, open_split

CAMVID = (
    "sky", "building", "pole", "road", "pavement", "tree", "signsymbol", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip


def test_camvid_with_its_void_index(shared: Path) -> None:
    config = SegmentationDataConfig(root=shared / "data/camvid", classes=CAMVID, ignore=11)
    report = check_segmentation(config)
    assert report.problems == ()
    assert [(split.name, split.images) for split in report.splits] == [
        ("train", 367),
        ("val", 101),
        ("test", 233),
    ]
    counts = [split.counts for split in report.splits if split.counts is not None]
    assert sum(int(count.pixels.sum()) + count.ignored for count in counts) == 701 * 480 * 360
    assert sum(count.ignored for count in counts) == 4344649
    assert report.splits[0].counts.images[CAMVID.index("road")] == 367


def test_camvid_without_it(shared: Path) -> None:
    config = SegmentationDataConfig(val=shared / "data/camvid/val", classes=CAMVID)
    report = check_segmentation(config)
    assert len(report.errors) == 101
    assert all("value 11 (" in problem.what for problem in report.errors)


def test_camvid_in_the_layout_of_cityscapes(shared: Path) -> None:
    report = check_segmentation(SegmentationDataConfig(root=shared / "data/camvid_cityscapes_small"))
    assert report.errors == ()
    assert [(split.name, split.images) for split in report.splits] == [("train", 40), ("val", 12)]
    assert [problem.what for problem in report.warnings] == [
        "no pixel of 8 of 19 classes in train: wall, traffic light, terrain, rider, truck, bus, train, motorcycle"
    ]


def test_a_pair_of_cityscapes(shared: Path) -> None:
    config = SegmentationDataConfig(root=shared / "data/cityscapes_pair")
    assert [has_split(config, split) for split in ("train", "val", "test")] == [False, True, False]
    training = open_split(config, "val")
    ids = open_split(replace(config, labels="labelIds"), "val")
    assert training.read_image(0).shape == (128, 256, 3)
    # The two files were resized separately.
    assert int(np.sum(training.read_label(0) != ids.read_label(0))) == 77
    assert check_segmentation(config).exit_code == 0
