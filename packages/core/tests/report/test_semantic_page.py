"""The page of a segmentation run: its own numbers, colours and pictures, nothing of a detector's."""

import json
from pathlib import Path

import pytest
from checked_page import checked
from made_segmentation_run import CLASSES, evaluate_maps, make_segmentation_run
from ms_core.report import write_report
from ms_core.report.run_facts import read_run
from ms_core.run_folder import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    finished = make_segmentation_run(tmp_path_factory.mktemp("runs") / "a & <b> 猫")
    evaluate_maps(finished.path / "eval-val")
    return finished


def test_what_is_asked_for_is_there_and_every_name_is_text(run: RunFolder) -> None:
    page = checked(write_report(run))
    numbers = ("mIoU on val", "mean accuracy on val", "pixel accuracy on val")
    sections = (
        "Evaluation: val",
        "Classes",
        "Confusion matrix",
        "Most often mixed up",
        "Pixels of each class",
    )
    words = ("Neither annotated nor predicted here: never seen", "windows of 64", "64×48 and 1 other")
    remarks = ("Sizes and pixels of train and val: of the masks counted", "a <note>", "ms-segformer eval")
    for text in (*numbers, *sections, *words, *remarks, *CLASSES, "<0>.png: mIoU 1.00", "Bold: best mIoU"):
        assert text in page.text, text
    assert page.tags.count("img") == 6
    for absent in ("AP50", "objects", "detections", "boxes", "ms-ssd "):
        assert absent not in page.text, absent
    assert "--tint:rgb(0,114,178)" in run.report_path.read_text(encoding="utf-8")


def test_shares_of_the_data_are_those_of_the_annotated_pixels(run: RunFolder) -> None:
    page = checked(write_report(run)).text
    for share in ("66.67 %", "22.22 %", "11.11 %"):  # of 9000
        assert page.count(share) >= 2
    assert "10 %" in page  # not annotated


def test_the_best_while_training_stands_in_until_there_is_an_evaluation(tmp_path: Path) -> None:
    run = make_segmentation_run(tmp_path / "run")
    text = checked(write_report(run)).text
    assert "best mIoU while training, epoch 2.5" in text
    assert "0.500" in text
    assert "Not finished" not in text


def test_steps_are_what_a_run_of_iterations_is_measured_in(tmp_path: Path) -> None:
    text = checked(write_report(make_segmentation_run(tmp_path / "run", steps=20))).text
    assert "Not finished: 20 of 40 steps are on record" in text
    assert f"ms-segformer train --resume {tmp_path / 'run'}" in text


@pytest.mark.parametrize(
    ("model", "tool"),
    [
        ("segformer_b5", "ms-segformer"),
        ("ssdlite_mobilenetv2_fpn", "ms-ssdlite-fpn"),
        ("ssd_vgg16", "ms-ssd"),
        ("defrcn_r101", "ms-defrcn"),
        ("network of mine", "ms-ssd"),
    ],
)
def test_commands_to_copy_are_of_the_package_of_the_network(model: str, tool: str, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.create(f"model:\n  name: {model}\n")
    facts = read_run(run)
    assert facts.tool_words == [tool]


def test_an_evaluation_without_numbers_or_pictures(tmp_path: Path) -> None:
    run = make_segmentation_run(tmp_path / "run")
    (run.path / "eval-val").mkdir()
    entry = {"name": "road", "IoU": None, "accuracy": None, "pixels": 0, "predicted_pixels": 0}
    content = {"mIoU": None, "mAcc": None, "aAcc": None, "images": 1, "per_class": [entry]}
    (run.path / "eval-val" / "metrics.json").write_text(json.dumps(content))
    assert "Evaluation: val" in checked(write_report(run)).text


def test_many_classes_keep_the_page_small(tmp_path: Path) -> None:
    run = make_segmentation_run(tmp_path / "run")
    evaluate_maps(run.path / "eval-val", classes=tuple(f"class {k}" for k in range(62)))
    page = checked(write_report(run))
    assert "The 20 of 62 classes with the most mistakes" in page.text
    assert page.tags.count("td") < 1500
