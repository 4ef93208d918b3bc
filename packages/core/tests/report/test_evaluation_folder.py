"""The folder of an evaluation is written and read back; pictures of a former evaluation do not stay."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_run import CLASSES, evaluate_badly
from ms_core.data.sample import DetectionDataset
from ms_core.errors import UserError
from ms_core.report.evaluation_folder import evaluations_of, read_evaluation
from ms_core.run_folder import RunFolder


def test_what_is_written_is_read_back(run: RunFolder) -> None:
    (folder,) = evaluations_of(run.path)
    read = read_evaluation(folder)
    assert read.name == "eval-val"
    assert read.metrics["images"] == 6
    assert 0 < read.metrics["threshold"]["f1"] <= 1
    assert {entry["name"] for entry in read.metrics["per_class"]} == set(CLASSES)
    assert all("threshold" in entry for entry in read.metrics["per_class"])
    assert list(read.precision_recall) == [entry["name"] for entry in read.metrics["per_class"]]
    assert len(read.score_curves["scores"]) == len(read.score_curves["f1"]) == 100
    assert np.array(read.confusion["counts"]).shape == (4, 4)


def test_best_images_are_better_than_the_worst_and_all_are_pictures(run: RunFolder) -> None:
    folder = run.path / "eval-val"
    metrics = read_evaluation(folder).metrics
    best, worst = metrics["best_images"], metrics["worst_images"]
    assert len(best) == len(worst) == 3
    assert min(entry["F1"] for entry in best) >= max(entry["F1"] for entry in worst)
    for entry in (*best, *worst):
        assert cv2.imread(str(folder / entry["picture"])) is not None
    sheet = cv2.imread(str(folder / "examples.jpg"))
    assert sheet.shape[1] > 1000
    assert not list(folder.glob("*.tmp"))


def test_a_second_evaluation_leaves_no_picture_of_the_first(
    dataset: DetectionDataset, tmp_path: Path
) -> None:
    out = tmp_path / "eval-val"
    evaluate_badly(out, dataset)
    (out / "images" / "best-9.jpg").touch()
    (out / "images" / "mine.jpg").touch()
    evaluate_badly(out, dataset)
    assert not (out / "images" / "best-9.jpg").exists()
    assert (out / "images" / "mine.jpg").exists()
    assert (out / "images" / "best-1.jpg").exists()


@pytest.mark.parametrize("content", ["nonsense", "[1]"])
def test_a_damaged_file_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(UserError, match=r"metrics\.json: no"):
        read_evaluation(tmp_path)


def test_an_evaluation_of_an_older_version(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"AP": 0.5}))
    read = read_evaluation(tmp_path)
    assert read.metrics == {"AP": 0.5}
    assert read.confusion == {}
