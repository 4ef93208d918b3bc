"""`data check` finds every kind of fault, names its file, and goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.segmentation.check import SegmentationReport, check_segmentation
from ms_core.segmentation.check_report import print_segmentation_report
from ms_core.segmentation.config import SegmentationDataConfig
from rich.console import Console

Maker = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path, pairs: Maker) -> Path:
    pairs(tmp_path / "train", tmp_path / "trainannot", 3)
    pairs(tmp_path / "val", tmp_path / "valannot", 2)
    return tmp_path


def check(root: Path, classes: tuple[str, ...] = ("a", "b"), **options: object) -> SegmentationReport:
    config = SegmentationDataConfig(root=root, classes=classes)
    return check_segmentation(config, **options)  # type: ignore[arg-type]


def errors(report: SegmentationReport) -> list[str]:
    return [str(problem) for problem in report.errors]


def warnings(report: SegmentationReport) -> list[str]:
    return [str(problem) for problem in report.warnings]


def shown(report: SegmentationReport, limit: int = 50) -> str:
    console = Console(record=True, width=120, file=None, quiet=False)
    with console.capture() as capture:
        print_segmentation_report(report, console, limit)
    return capture.get()


def test_a_sound_set(root: Path) -> None:
    report = check(root)
    assert (report.problems, report.exit_code, report.classes) == ((), 0, ("a", "b"))
    train, val = report.splits
    assert (train.name, train.images, val.images) == ("train", 3, 2)
    assert train.counts.pixels.tolist() == [3 * (48 * 40 - 1), 3]
    assert train.counts.images.tolist() == [3, 3]
    assert train.sizes == ((48, 40), (48, 40))
    text = shown(report)
    assert "99.9 % / 3" in text
    assert "0 errors, 0 warnings" in text


def test_values_that_are_no_classes(root: Path, mask: Maker) -> None:
    mask(root / "trainannot/train1.png", [0, 33, 33, 7])
    mask(root / "trainannot/train2.png", [0, 33])
    report = check(root)
    assert report.exit_code == 2
    first, second = errors(report)
    assert "train1.png: values 33 (2 pixels), 7 (1 pixels) are no classes; classes are 0-1, 255 for" in first
    assert second.endswith('train2.png: value 33 (1 pixels) is no class; classes are 0-1, 255 for "ignore"')
    (hint,) = warnings(report)
    assert "train: 2 of 3 masks hold what is no class: 33 in 2, 7 in 1. Correct the mask, name all" in hint
    assert "... and 1 more (--limit 0 shows all)" in shown(report, limit=1)


def test_every_fault_of_files_is_named(root: Path, picture: Maker, mask: Maker) -> None:
    (root / "trainannot/train0.png").unlink()
    mask(root / "trainannot/train1.png", size=(30, 40))
    (root / "train/train2.jpg").write_bytes(b"\xff\xd8 no picture")
    (root / "valannot/val0.png").write_text("no mask")
    picture(root / "val/val1.jpg", 16, 16)
    mask(root / "valannot/val1.png", size=(16, 16))
    found = errors(check(root))
    assert len(found) == 5
    for where, what in (
        ("train0.jpg: ", f"no mask named like it in {root / 'trainannot'}"),
        ("train1.png: ", "the mask is 30x40 pixels, but its picture"),
        ("train2.jpg: ", "truncated or damaged"),
        ("val0.png: ", "not a mask image, or a damaged one"),
        ("val1.jpg: ", "16x16 pixels; networks need sides of at least 32"),
    ):
        assert sum(where in text and what in text for text in found) == 1, where


def test_quick_looks_at_headers_only(root: Path, mask: Maker) -> None:
    mask(root / "trainannot/train0.png", [33])
    mask(root / "trainannot/train1.png", size=(30, 40))
    report = check(root, decode=False)
    assert ["train1.png: the mask is 30x40" in text for text in errors(report)] == [True]
    assert report.splits[0].counts is None
    text = shown(report)
    assert "48x40" in text
    assert "%" not in text


def test_the_same_picture_twice(root: Path) -> None:
    (root / "val/val0.jpg").write_bytes((root / "train/train1.jpg").read_bytes())
    (root / "train/train2.jpg").write_bytes((root / "train/train0.jpg").read_bytes())
    report = check(root)
    assert [text.endswith("train1.jpg): scores mean little") for text in errors(report)] == [True]
    assert ["train2.jpg: has the same content as" in text for text in warnings(report)] == [True]


def test_classes_without_a_pixel(root: Path, mask: Maker) -> None:
    for number in range(3):
        mask(root / f"trainannot/train{number}.png", [1])
    report = check(root, ("a", "b", "c"))
    assert [text.partition(": ")[2] for text in warnings(report)] == [
        "no pixel of 2 of 3 classes in train: a, c"
    ]
    assert "none" in shown(report)


def test_masks_that_teach_nothing(root: Path, mask: Maker) -> None:
    mask(root / "valannot/val0.png", [255])
    assert ["val0.png: no pixel of any class" in text for text in warnings(check(root))] == [True]


def test_too_few_for_a_step(root: Path) -> None:
    (text,) = errors(check(root, devices=2, batch_size=2))
    assert "3 pictures are fewer than 2 devices x batch 2 = 4" in text


def test_a_split_that_cannot_be_opened_is_one_fault(root: Path) -> None:
    for path in (root / "valannot").iterdir():
        path.unlink()
    report = check(root)
    assert [split.name for split in report.splits] == ["train"]
    assert ["valannot: no masks in it" in text for text in errors(report)] == [True]


def test_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no data to check\. Pass --data\.root FOLDER"):
        check_segmentation(SegmentationDataConfig())
    with pytest.raises(UserError, match=r"--data\.workers -1: must be at least 0"):
        check_segmentation(SegmentationDataConfig(root=tmp_path, workers=-1))


def test_splits_with_other_classes(root: Path, pairs: Maker) -> None:
    pairs(root / "more/val", root / "more/valannot")
    (root / "classes.txt").write_text("a\nb\n")
    (root / "more/classes.txt").write_text("a\nb\nc\n")
    report = check_segmentation(SegmentationDataConfig(train=root / "train", val=root / "more/val"))
    (text,) = errors(report)
    assert "3 classes, but 2 are expected; 'c' is not one of them (a, b)" in text
