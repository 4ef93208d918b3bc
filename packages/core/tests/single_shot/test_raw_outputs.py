"""Metrics from *_0.bin and *_1.bin: the old zoo's route from Ascend 310 results to COCO numbers."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.data.config import DetectionDataConfig
from ms_core.errors import UserError
from ms_core.infer.result_folder import is_result_folder
from ms_core.single_shot.config import EvalConfig, PostprocessConfig, SingleShotConfig
from ms_core.single_shot.raw_outputs import score_raw_outputs

HEIGHT, WIDTH, ANCHORS = 40, 80, 50
BOXES = {7: [(8.0, 4.0, 40.0, 20.0, 1)], 12: [(0.0, 0.0, 16.0, 16.0, 2), (40.0, 20.0, 80.0, 40.0, 1)], 30: []}
"""Image id -> (x0, y0, x1, y1, category)."""


@pytest.fixture
def config(tmp_path: Path) -> SingleShotConfig:
    """Three pictures of two classes; the last has no box, and one box of the second is a crowd."""
    images, annotations = [], []
    for image_id, boxes in BOXES.items():
        name = f"{image_id:012d}.png"
        cv2.imwrite(str(tmp_path / name), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        images.append({"id": image_id, "file_name": name, "height": HEIGHT, "width": WIDTH})
        for x0, y0, x1, y1, category in boxes:
            bbox = [x0, y0, x1 - x0, y1 - y0]
            entry = {"id": len(annotations) + 1, "image_id": image_id, "category_id": category, "bbox": bbox}
            annotations.append({**entry, "area": bbox[2] * bbox[3], "iscrowd": int(category == 2)})
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "val.json").write_text(json.dumps(content), encoding="utf-8")
    data = DetectionDataConfig(val=str(tmp_path / "val.json"), images=str(tmp_path))
    postprocess = PostprocessConfig(nms="zoo")
    return SingleShotConfig(data=data, postprocess=postprocess, eval=EvalConfig(engine="pycocotools"))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Outputs that find every box, among anchors that find nothing; named by the id without its zeros."""
    folder = tmp_path / "result_Files"
    folder.mkdir()
    for image_id, boxes in BOXES.items():
        outputs, scores = np.zeros((ANCHORS, 4), "<f4"), np.full((ANCHORS, 3), 0.05, "<f4")
        for row, (x0, y0, x1, y1, category) in enumerate(boxes, start=3):
            outputs[row] = [y0 / HEIGHT, x0 / WIDTH, y1 / HEIGHT, x1 / WIDTH]
            scores[row, category] = 0.9
        outputs.tofile(folder / f"{image_id}_0.bin")
        scores.tofile(folder / f"{image_id}_1.bin")
    return folder


def refusal(raw: Path, config: SingleShotConfig) -> str:
    with pytest.raises(UserError) as caught:
        score_raw_outputs(raw, config, "val", None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_perfect_outputs_have_perfect_numbers(
    raw: Path, config: SingleShotConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert is_result_folder(raw)
    metrics = score_raw_outputs(raw, config, "val", None)
    assert metrics.ap == pytest.approx(1.0)
    assert metrics.images == 3
    out = raw.parent / "eval-result_Files"
    found = json.loads((out / "predictions.json").read_text(encoding="utf-8"))
    boxes = {(entry["image_id"], entry["category_id"]): entry["bbox"] for entry in found}
    assert boxes[7, 1] == [8.0, 4.0, 32.0, 16.0]
    assert json.loads((out / "metrics.json").read_text(encoding="utf-8"))["AP"] == pytest.approx(1.0)
    assert "mAP: 1.000" in capsys.readouterr().out


def test_drop_leaves_out_crowds_and_empty_images(raw: Path, config: SingleShotConfig) -> None:
    zoo = replace(config, eval=replace(config.eval, subset="zoo"))
    assert score_raw_outputs(raw, zoo, "val", None).images == 1


def test_only_images_with_outputs_count(raw: Path, config: SingleShotConfig) -> None:
    for name in ("12_0.bin", "12_1.bin"):
        (raw / name).unlink()
    assert score_raw_outputs(raw, config, "val", None).images == 2


def test_outputs_may_have_the_names_of_the_pictures(raw: Path, config: SingleShotConfig) -> None:
    for path in raw.iterdir():
        stem, _, end = path.name.partition("_")
        path.rename(raw / f"{int(stem):012d}_{end}")
    assert score_raw_outputs(raw, config, "val", None).ap == pytest.approx(1.0)


def test_an_unknown_image_is_named(raw: Path, config: SingleShotConfig) -> None:
    for name in ("99_0.bin", "99_1.bin"):
        (raw / name).write_bytes(b"")
    assert f"{raw / '99_0.bin'}: no image is called 99, and none has it as id." in refusal(raw, config)


def test_missing_scores_are_named(raw: Path, config: SingleShotConfig) -> None:
    (raw / "7_1.bin").unlink()
    assert "7_1.bin is not beside it" in refusal(raw, config)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "0 float32 values are no rows of 3"),
        (b"12345", "no float32 values"),
        (bytes(4 * 50 * 4), "200 float32 values are no rows of 3"),
        (bytes(4 * 49 * 3), "49 rows of 3 scores (the classes and the background), but 50 boxes"),
    ],
)
def test_scores_of_another_size_are_refused(
    content: bytes, expected: str, raw: Path, config: SingleShotConfig
) -> None:
    (raw / "7_1.bin").write_bytes(content)
    assert expected in refusal(raw, config)


def test_a_folder_without_outputs_is_none(tmp_path: Path, config: SingleShotConfig) -> None:
    assert not is_result_folder(tmp_path)
    assert not is_result_folder(tmp_path / "nowhere")
    assert "no results" in refusal(tmp_path, config)
