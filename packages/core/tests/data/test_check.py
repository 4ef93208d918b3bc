"""`data check` finds every kind of fault, names its place, and goes on."""

from pathlib import Path

import pytest
from ms_core.data.check import CheckReport, check_datasets
from ms_core.data.check_report import print_report
from ms_core.data.config import DetectionDataConfig
from ms_core.errors import UserError
from rich.console import Console


def check(train: Path, val: Path | None = None, **options: object) -> CheckReport:
    config = DetectionDataConfig(train=str(train), val=str(val) if val else None)
    return check_datasets(config, **options)


def texts(report: CheckReport, severity: str) -> str:
    return "\n".join(str(problem) for problem in report.problems if problem.severity == severity)


BOTH = [(3, [1, 2, 3, 4]), (7, [4, 5, 6, 7])]


def test_a_sound_set(coco_file):
    report = check(coco_file([BOTH, []]))
    assert (report.problems, report.exit_code) == ((), 0)
    (split,) = report.splits
    assert (split.images, split.empty, split.boxes) == (2, 1, (1, 1))


def test_all_faulty_boxes_are_listed(coco_file):
    report = check(coco_file([[*BOTH, (3, [1, 2, 0, 4])], [(3, [60, 40, 30, 30]), (9, [1, 1, 2, 2])]]))
    errors = texts(report, "error")
    assert "image 10: box 3 has width 0" in errors
    assert "image 11: box 1 reaches outside" in errors
    assert "category_id 9 is not in" in errors
    assert report.exit_code == 2


def test_what_is_dropped_on_request_is_a_warning(coco_file):
    path = coco_file([[*BOTH, (3, [1, 2, 0, 4])]])
    report = check_datasets(DetectionDataConfig(train=str(path), invalid_boxes="drop"))
    assert report.exit_code == 0
    assert "box 3 has width 0" in texts(report, "warning")


def test_repeated_and_dangling_ids(coco_file):
    boxes = [[*BOTH, (3, [1, 2, 3, 4], {"id": 1}), (3, [1, 2, 3, 4], {"image_id": 77})]]
    errors = texts(check(coco_file(boxes)), "error")
    assert "annotation 1: this annotation id occurs more than once" in errors
    assert "its image_id 77 is not in 'images'" in errors
    images = [{"id": 10, "file_name": "0.jpg", "width": 64, "height": 48}] * 2
    errors = texts(check(coco_file([BOTH], images=images)), "error")
    assert "image 10: this image id occurs 2 times" in errors


def test_missing_and_damaged_pictures(coco_file, tmp_path):
    path = coco_file([BOTH, [], []])
    (tmp_path / "1.jpg").unlink()
    (tmp_path / "2.jpg").write_bytes((tmp_path / "2.jpg").read_bytes()[:300])
    errors = texts(check(path), "error")
    assert f"{path}: image 11" in errors
    assert str(tmp_path / "1.jpg") in errors
    assert f"{path}: image 12" in errors
    assert "truncated" in errors
    assert "truncated" not in texts(check(path, decode=False), "error")


def test_missing_pictures_of_a_list_without_sizes(tmp_path, picture):
    picture(tmp_path / "a.jpg")
    (tmp_path / "classes.txt").write_text("cat\n", encoding="utf-8")
    path = tmp_path / "list.txt"
    path.write_text("a.jpg 1,2,3,4,1\nb.jpg 1,2,3,4,1\nc.jpg 1,2,3,4,0\n", encoding="utf-8")
    errors = texts(check(path), "error")
    assert "image 1" in errors
    assert "b.jpg" in errors
    assert "line 3: box 1: class 0" in errors


def test_declared_sizes(coco_file, picture, tmp_path):
    path = coco_file([BOTH, []])
    picture(tmp_path / "0.jpg", width=100, height=50)
    picture(tmp_path / "1.jpg", width=63, height=48)
    report = check(path)
    assert "image 10: 0.jpg is 100x50, but annotated as 64x48" in texts(report, "error")
    assert "image 11: 1.jpg is 63x48, but annotated as 64x48" in texts(report, "warning")


def test_duplicates_within_and_across_splits(coco_file, tmp_path, picture):
    train = coco_file([BOTH, []], name="train.json")
    images = [{"id": 1, "file_name": "val.jpg", "width": 64, "height": 48}]
    val = coco_file([], images=images, name="val.json")
    picture(tmp_path / "val.jpg", seed=0)  # the content of 0.jpg
    picture(tmp_path / "1.jpg", seed=0)
    report = check(train, val)
    assert f"{val}: image 1: val.jpg is also in train (0.jpg)" in texts(report, "error")
    assert "1.jpg has the same content as 0.jpg" in texts(report, "warning")


def test_one_file_under_two_ids(coco_file):
    images = [{"id": id_, "file_name": "0.jpg", "width": 64, "height": 48} for id_ in (10, 11)]
    assert "image 11: the same file as image 10" in texts(check(coco_file([BOTH], images=images)), "error")


def test_too_few_images_for_a_step(coco_file):
    path = coco_file([BOTH, BOTH, []])
    assert check(path, devices=1, batch_size=2).exit_code == 0
    report = check(path, devices=2, batch_size=2)
    assert "2 images with boxes are fewer than 2 devices x batch 2 = 4" in texts(report, "error")
    assert "nothing to train on" in texts(check(coco_file([[]])), "error")


def test_classes_that_training_never_sees(coco_file):
    report = check(coco_file([[(3, [1, 2, 3, 4])]]))
    assert "no box of 1 of 2 classes in train: dog" in texts(report, "warning")


def test_a_class_only_in_val(coco_file, tmp_path):
    train = coco_file([BOTH], name="train.json")
    val = coco_file([[(1, [1, 2, 3, 4])]], {1: "dogg"}, name="val.json")
    assert "class 'dogg' is not among the classes (nearest: dog)" in texts(check(train, val), "error")


def test_a_split_that_cannot_be_read_does_not_hide_the_others(coco_file, tmp_path):
    report = check(coco_file([BOTH]), tmp_path / "nowhere.json")
    assert "nowhere.json" in texts(report, "error")
    assert [split.name for split in report.splits] == ["train"]


def test_nothing_to_check():
    with pytest.raises(UserError, match="no data to check"):
        check_datasets(DetectionDataConfig())


def test_the_printed_report(coco_file, capsys):
    report = check(coco_file([[*BOTH, *[(3, [1, 2, 0, 4])] * 5]]))
    print_report(report, Console(width=100), limit=2)
    printed = capsys.readouterr().out
    assert "cat" in printed
    assert "images without a box" in printed
    assert printed.count("has width 0") == 2
    assert "... and 3 more" in printed
    assert "5 errors, 0 warnings" in printed
