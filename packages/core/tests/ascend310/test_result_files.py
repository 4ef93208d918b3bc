"""Programs on COCO result files: the report, and boxes of resized pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.ascend310 import map_report, restore_coordinates
from ms_core.ascend310.restore_coordinates import restored_box

TRUTH = {
    "images": [{"id": 1, "width": 640, "height": 480, "file_name": "1.jpg"}],
    "categories": [{"id": 3, "name": "cup"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 3,
            "bbox": [64.0, 48.0, 128.0, 96.0],
            "area": 12288.0,
            "iscrowd": 0,
        }
    ],
}


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("ann.json").write_text(json.dumps(TRUTH), encoding="utf-8")
    found = {"image_id": 1, "category_id": 3, "bbox": [30.0, 30.0, 60.0, 60.0], "score": 0.9}  # of 300x300
    Path("small.json").write_text(json.dumps([found]), encoding="utf-8")
    return tmp_path


def restore(*words: str) -> int:
    sizes = ["--resize_width=300", "--resize_height=300"]
    return restore_coordinates.main(
        ["--annotations_json=ann.json", "--det_result_json=small.json", *sizes, *words]
    )


def test_restored_boxes_are_those_of_the_picture(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert restore() == 0
    (entry,) = json.loads((work / "small_restored.json").read_text(encoding="utf-8"))
    assert entry == {"image_id": 1, "category_id": 3, "bbox": [64.0, 48.0, 128.0, 96.0], "score": 0.9}
    words = ["--annotations_json", "ann.json", "--det_result_json", "small_restored.json"]
    assert map_report.main([*words, "--output_path_name", "out/npu_map.txt"]) == 0
    text = (work / "out" / "npu_map.txt").read_text(encoding="utf-8")
    assert text.splitlines()[0].endswith("maxDets=100 ] = 1.000")
    assert text.splitlines()[-1] == "mAP: 1.000"
    assert text in capsys.readouterr().out


def test_boxes_of_the_resized_picture_itself_are_worse(work: Path) -> None:
    assert map_report.main(["--annotations_json=ann.json", "--det_result_json=small.json"]) == 0
    assert (work / "npu_map.txt").read_text(encoding="utf-8").splitlines()[-1] == "mAP: 0.000"


def test_kept_proportions_have_one_factor() -> None:
    assert restored_box([30, 30, 60, 60], (640, 480), (320, 320), "fit") == [60, 60, 120, 120]
    assert restored_box([-2, 0, 400, 400], (640, 480), (320, 320), "fit") == [0, 0, 640, 480]


@given(
    x=st.floats(0, 500), y=st.floats(0, 300), width=st.floats(1, 140), height=st.floats(1, 170),
    side=st.integers(64, 2000),
)  # fmt: skip
def test_there_and_back_is_the_same_box(x: float, y: float, width: float, height: float, side: int) -> None:
    box, original = [x, y, width, height], (640, 480)
    small = [x * side / 640, y * side / 480, width * side / 640, height * side / 480]
    assert restored_box(small, original, (side, side), "stretch") == pytest.approx(box, abs=2e-3)


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (
            [{"image_id": 9, "bbox": [0, 0, 1, 1]}],
            (),
            "small.json: entry 0: image 9 is not in the annotations",
        ),
        (
            [{"image_id": 1, "bbox": [0, 0, 1]}],
            (),
            "small.json: entry 0: no image_id and bbox of four numbers",
        ),
        ({}, (), "small.json: no list. Name a COCO result file."),
        ([], ("--resize", "crop"), "--resize: 'crop' is not one of stretch, fit."),
        ([], ("--resize_width", "0"), "--resize_width: '0' is no number of pixels."),
    ],
)
def test_faults_are_one_line(
    content: object, words: tuple[str, ...], message: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("small.json").write_text(json.dumps(content), encoding="utf-8")
    assert restore(*words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (work / "small_restored.json").exists()


def test_what_is_needed_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert map_report.main(["--annotations_json", "ann.json"]) == 2
    assert capsys.readouterr().err == (
        "error: generate_map_report.py: --det_result_json is missing: a COCO result file, such as om_det_result.json.\n"
    )
    assert map_report.main(["--help"]) == 0
    assert "--output_path_name: file for the report" in capsys.readouterr().out
