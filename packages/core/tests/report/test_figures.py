"""Figures: each is drawn from real numbers, and a missing matplotlib is said in one line."""

import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core import report
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.evaluation.coco import CocoEvaluator, CocoMetrics
from ms_core.evaluation.confusion import ConfusionMatrix
from ms_core.evaluation.thresholds import ScoreCounts
from ms_core.report import figures

pytest.importorskip("matplotlib")

RECORDS = [
    {
        "kind": "train",
        "step": step,
        "epoch": step / 10,
        "loss": 1 / step if step != 30 else None,
        "loss_class": 0.5,
        "lr": 0.01,
    }
    for step in range(10, 100, 10)
]


def metrics(classes: int) -> CocoMetrics:
    names = ["Füßgänger", "猫", *(f"class {k}" for k in range(2, classes))]
    truth = {
        "images": [{"id": 1}],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(names)],
        "annotations": [
            {"image_id": 1, "category_id": k + 1, "bbox": [10 * k, 0, 9, 9]} for k in range(classes - 1)
        ],
    }
    evaluator = CocoEvaluator(truth)
    boxes = np.array([[10 * k, 0, 10 * k + 9, 8] for k in range(classes)])
    evaluator.update(1, Detections(boxes, np.full(classes, 0.5), np.arange(classes)), range(1, classes + 1))
    return evaluator.compute()


def confusion(classes: int) -> ConfusionMatrix:
    matrix = ConfusionMatrix([f"Klasse {k} ü" for k in range(classes)])
    matrix.counts += np.arange((classes + 1) ** 2).reshape(classes + 1, classes + 1)
    return matrix


def scores(classes: int) -> ScoreCounts:
    counts = ScoreCounts([f"class {k}" for k in range(classes)])
    labels, found = np.arange(classes), np.linspace(0.1, 0.9, classes)
    counts.update(labels, labels, found, labels > 0, labels == 0)
    return counts


def is_picture(path: Path) -> bool:
    image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    return image is not None and image.std() > 5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classes", [2, 20])
def test_figures_are_drawn(classes: int, tmp_path: Path) -> None:
    report.precision_recall_figure(metrics(classes), tmp_path / "pr.png")
    report.class_ap_figure(metrics(classes), tmp_path / "ap.png")
    report.confusion_figure(confusion(classes), tmp_path / "confusion.png")
    evaluations = [{"kind": "evaluation", "step": 50, "AP": 0.1, "AP50": 0.3}]
    report.training_figure(RECORDS, tmp_path / "training.png")
    report.training_figure([*RECORDS, *evaluations], tmp_path / "evaluated.png")
    report.threshold_figure(scores(classes), tmp_path / "thresholds.png")
    assert all(is_picture(path) for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 6


def test_figures_without_numbers(tmp_path: Path) -> None:
    truth = {"images": [{"id": 1}], "categories": [{"id": 1, "name": "a"}], "annotations": []}
    evaluator = CocoEvaluator(truth)
    evaluator.update(1, Detections.empty(), [1])
    report.precision_recall_figure(evaluator.compute(), tmp_path / "pr.png")
    report.class_ap_figure(evaluator.compute(), tmp_path / "ap.png")
    report.confusion_figure(ConfusionMatrix(["a"]), tmp_path / "confusion.png")
    report.threshold_figure(ScoreCounts(["a"]), tmp_path / "thresholds.png")
    assert len(list(tmp_path.iterdir())) == 4
    with pytest.raises(UserError, match="no training record"):
        report.training_figure([], tmp_path / "training.png")


def test_other_formats(tmp_path: Path) -> None:
    report.training_figure(RECORDS, tmp_path / "training.svg")
    assert "<svg" in (tmp_path / "training.svg").read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"\.xyz is no format"):
        report.training_figure(RECORDS, tmp_path / "training.xyz")


def test_missing_matplotlib_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match=r'pip install "ms-core\[plots\]"'):
        report.training_figure(RECORDS, tmp_path / "training.png")


def test_nothing_of_matplotlib_is_changed_for_others(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    report.training_figure(RECORDS, tmp_path / "training.png")
    canvas = figures.new_figure(3, 2)
    figures.frame(canvas.subplots(), "title", "x", "y")
    figures.inline_svg(canvas, "one", "a <figure>")
    assert dict(matplotlib.rcParams) == before


def test_figures_in_a_page_take_its_colours_and_share_no_ids() -> None:
    drawn = []
    for name in ("one", "two"):
        canvas = figures.new_figure(3, 2)
        axes = canvas.subplots()
        figures.frame(axes, x_label="epoch")
        axes.plot([0, 1], [0, 1], color=figures.BLUE, label="loss")
        axes.set_xlim(0, 0.5)  # clipped, so that the SVG refers to a clip path
        drawn.append(figures.inline_svg(canvas, name, 'a "curve" & more'))
        assert figures.legend_entries(axes) == [("loss", "var(--series-0)")]
    one, two = (set(re.findall(r'\bid="([^"]+)"', svg)) for svg in drawn)
    assert one
    assert not one & two
    referred = set(re.findall(r"url\(#([^)]+)\)", drawn[0])) | set(re.findall(r'href="#([^"]+)"', drawn[0]))
    assert referred
    assert referred <= one
    assert 'aria-label="a &quot;curve&quot; &amp; more"' in drawn[0]
    assert "var(--series-0)" in drawn[0]
    assert "var(--muted)" in drawn[0]
    assert ">epoch</text>" in drawn[0]
    assert "http" not in drawn[0]
