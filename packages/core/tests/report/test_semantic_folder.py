"""The folder of a segmentation evaluation: numbers as they were counted, the right pictures, figures."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_segmentation_run import CLASSES, PALETTE, evaluate_maps
from ms_core.evaluation.semantic import SemanticEvaluator
from ms_core.evaluation.semantic_extremes import SemanticExtremes
from ms_core.report import semantic_folder
from ms_core.report.evaluation_folder import read_evaluation


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    evaluator = evaluate_maps(tmp_path / "eval-val")
    read = read_evaluation(tmp_path / "eval-val")
    metrics = evaluator.compute()
    assert read.metrics["mIoU"] == metrics.miou
    assert read.metrics["inference"] == "windows of 64"
    assert read.metrics["images"] == 6
    assert [entry["name"] for entry in read.metrics["per_class"]] == list(CLASSES)
    assert [entry["colour"] for entry in read.metrics["per_class"]] == PALETTE.tolist()
    assert read.metrics["per_class"][3]["IoU"] is None
    np.testing.assert_array_equal(read.confusion["counts"], evaluator.confusion)


def test_best_and_worst_images_are_drawn_in_order(tmp_path: Path) -> None:
    evaluate_maps(tmp_path)
    metrics = read_evaluation(tmp_path).metrics
    best, worst = metrics["best_images"], metrics["worst_images"]
    assert [entry["file"] for entry in best] == ["<0>.png", "<1>.png", "<2>.png"]
    assert [entry["file"] for entry in worst] == ["<5>.png", "<4>.png", "<3>.png"]
    assert best[0]["mIoU"] == best[0]["aAcc"] == 1
    for entry in (*best, *worst):
        assert cv2.imread(str(tmp_path / entry["picture"])) is not None
    assert cv2.imread(str(tmp_path / "examples.jpg")).shape[1] > 1000
    perfect, poor = (
        cv2.imread(str(tmp_path / f"images/{name}-1.jpg")).astype(int) for name in ("best", "worst")
    )
    red = [np.mean(picture[..., 2] - picture[..., :2].max(axis=2) > 80) for picture in (perfect, poor)]
    assert red[1] > red[0] + 0.01


def test_a_second_evaluation_leaves_no_picture_of_the_first(tmp_path: Path) -> None:
    evaluate_maps(tmp_path)
    evaluate_maps(tmp_path, images=2)
    assert sorted(file.name for file in (tmp_path / "images").iterdir()) == ["best-1.jpg", "worst-1.jpg"]
    assert not list(tmp_path.rglob("*.tmp"))
    evaluator = SemanticEvaluator(CLASSES)
    evaluator.update(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8))
    write_without_a_picture(tmp_path, evaluator)
    assert not list(tmp_path.rglob("*.jpg"))
    metrics = read_evaluation(tmp_path).metrics
    assert (metrics["best_images"], metrics["worst_images"]) == ([], [])


def write_without_a_picture(out: Path, evaluator: SemanticEvaluator) -> None:
    """As where no image has a pixel that counts."""
    semantic_folder.write_semantic_evaluation(out, evaluator.compute(), {}, SemanticExtremes(), PALETTE)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [4, 80])
def test_figures_are_drawn(count: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    evaluate_maps(tmp_path, classes=tuple(f"Klasse {k} 猫" for k in range(count)))
    for name in ("class-iou.png", "confusion.png"):
        assert cv2.imread(str(tmp_path / name)).std() > 5


def test_without_matplotlib_and_without_a_valid_pixel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers that do not exist are null, never NaN, which JSON does not know."""
    evaluator = SemanticEvaluator(CLASSES)
    evaluator.update(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8))
    write_without_a_picture(tmp_path, evaluator)
    written = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert written["mIoU"] is None
    (tmp_path / "class-iou.png").unlink(missing_ok=True)
    monkeypatch.setattr(semantic_folder, "can_plot", lambda: False)
    write_without_a_picture(tmp_path, evaluator)
    assert not (tmp_path / "class-iou.png").exists()
