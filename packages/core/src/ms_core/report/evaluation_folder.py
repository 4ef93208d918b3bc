"""The folder of one evaluation: what `eval` of a detector writes into it, and what a report reads back.

`semantic_folder` writes that of a segmentation network; the two are told apart by what metrics.json holds.

metrics.json          the COCO numbers, per class, score thresholds, best and worst images
precision-recall.json precision at IoU 0.5 at 101 levels of recall, by class
score-curves.json     precision, recall and F1 over the score threshold, detections by score
confusion.json        annotated class (row) against detected class (column); background last
images/               best-1.jpg ... worst-1.jpg ...: truth left, prediction right
examples.jpg          these on one sheet, with a legend
*.png                 figures, where matplotlib is installed
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ms_core.atomic import atomic_write
from ms_core.data.images import decode_image
from ms_core.data.sample import EncodedReader, read_file
from ms_core.draw import contact_sheet, save_image
from ms_core.draw_outcomes import draw_outcomes, legend, titled
from ms_core.evaluation.coco_metrics import CocoMetrics
from ms_core.evaluation.extremes import JudgedImage
from ms_core.evaluation.findings import IOU_THRESHOLD, Findings
from ms_core.evaluation.image_match import match_image
from ms_core.evaluation.thresholds import ScoreThreshold
from ms_core.json_object import read_json_object
from ms_core.report.figures import can_plot

_CURVE_STEP = 10
"""Every tenth score threshold is written to score-curves.json."""


@dataclass(frozen=True)
class EvaluationFolder:
    """What a report knows of an evaluation; parts that an older version did not write are empty."""

    path: Path
    metrics: dict[str, Any]
    precision_recall: dict[str, list[float]] = field(default_factory=dict)
    score_curves: dict[str, Any] = field(default_factory=dict)
    confusion: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name, such as eval-val."""
        return self.path.name


def write_metrics(
    out: Path, metrics: CocoMetrics, about: Mapping[str, Any], findings: Findings | None = None
) -> None:
    """metrics.json and precision-recall.json, and the figures that need no picture.

    Args:
        out: an existing folder.
        metrics: COCO's numbers.
        about: further entries of metrics.json: data, checkpoint, ...
        findings: adds what only a look at single images can tell.
    """
    content = metrics.to_json()
    if findings is not None:
        _add_thresholds(content, findings)
    write_json(out / "metrics.json", {**content, **about})
    curves = {s.name: metrics.precision[0, :, k].round(5).tolist() for k, s in enumerate(metrics.classes)}
    write_json(out / "precision-recall.json", curves)
    if can_plot():
        from ms_core.report.evaluation import class_ap_figure, precision_recall_figure

        precision_recall_figure(metrics, out / "precision-recall.png")
        class_ap_figure(metrics, out / "class-ap.png")


def write_findings(out: Path, findings: Findings, encoded: EncodedReader = read_file) -> dict[str, Any]:
    """Score curves, confusion matrix and pictures; returns what metrics.json says of the pictures.

    Args:
        out: an existing folder.
        findings: of all images.
        encoded: gives the pictures, one after the other, so that none is kept.

    Raises:
        UserError: a picture cannot be read any more, or the disk refuses.
    """
    confusion, curves = findings.confusion, findings.scores.curves()
    write_json(
        out / "confusion.json",
        {
            "classes": list(confusion.classes),
            "iou": confusion.iou_threshold,
            "min_score": confusion.min_score,
            "counts": confusion.counts.tolist(),
        },
    )
    right, wrong = findings.scores.histogram()
    thinned = {name: _listed(values[::_CURVE_STEP]) for name, values in vars(curves).items()}
    write_json(
        out / "score-curves.json",
        {"iou": IOU_THRESHOLD, **thinned, "hits": right.tolist(), "false_alarms": wrong.tolist()},
    )
    if can_plot():
        from ms_core.report.evaluation import confusion_figure, threshold_figure

        confusion_figure(confusion, out / "confusion.png")
        threshold_figure(findings.scores, out / "thresholds.png")
    return _write_pictures(out, findings, encoded)


def read_evaluation(path: Path) -> EvaluationFolder:
    """Raises UserError where metrics.json or a file beside it is no JSON object."""
    files = ("precision-recall.json", "score-curves.json", "confusion.json")
    return EvaluationFolder(
        path, _read_json(path / "metrics.json"), *(_read_json(path / name) for name in files)
    )


def picture_caption(entry: Mapping[str, Any]) -> str:
    """One of `best_images` or `worst_images` of metrics.json in words."""
    alarms = entry["false_alarms"]
    return (
        f"{entry['file']}: F1 {entry['F1']:.2f}, {entry['found']} found, {entry['missed']} missed, "
        f"{alarms} false alarm{'' if alarms == 1 else 's'}"
    )


def evaluations_of(run: Path) -> list[Path]:
    """Folders of the evaluations in a run folder, by name."""
    return sorted(file.parent for file in run.glob("eval-*/metrics.json"))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """One object, whole or not at all; metrics.json, which people read, with a line for every value."""
    with atomic_write(path) as file:
        json.dump(content, file, indent=2 if path.name == "metrics.json" else None, ensure_ascii=False)


def picture_folder(out: Path) -> Path:
    """images/ in the folder of an evaluation; the pictures of a former one, and their sheet, are removed."""
    folder = out / "images"
    folder.mkdir(exist_ok=True)
    for former in (out / "examples.jpg", *folder.glob("best-*.jpg"), *folder.glob("worst-*.jpg")):
        former.unlink(missing_ok=True)
    return folder


def _add_thresholds(content: dict[str, Any], findings: Findings) -> None:
    content["threshold"] = _threshold(findings.scores.advice())
    for entry in content["per_class"]:
        entry["threshold"] = _threshold(findings.advice(entry["name"]))


def _threshold(advice: ScoreThreshold | None) -> dict[str, float] | None:
    return None if advice is None else {name: round(value, 5) for name, value in asdict(advice).items()}


def _write_pictures(out: Path, findings: Findings, encoded: EncodedReader) -> dict[str, Any]:
    folder = picture_folder(out)
    extremes = findings.extremes
    tiles: list[np.ndarray] = []
    entries: dict[str, list[dict[str, Any]]] = {"best_images": [], "worst_images": []}
    for word, images in (("best", extremes.best()), ("worst", extremes.worst())):
        for place, image in enumerate(images, start=1):
            picture = _picture(image, findings, encoded)
            save_image(folder / f"{word}-{place}.jpg", picture)
            entry = {"picture": f"images/{word}-{place}.jpg", **_entry(image)}
            entries[f"{word}_images"].append(entry)
            tiles.append(titled(picture, f"{word} {place}: {picture_caption(entry)}"))
    if tiles:
        save_image(out / "examples.jpg", _sheet(tiles))
    return {"shown_score": extremes.min_score, **entries}


def _picture(image: JudgedImage, findings: Findings, encoded: EncodedReader) -> np.ndarray:
    sample, shown = image.sample, image.detections
    pixels = decode_image(encoded(sample), sample.path, (sample.width, sample.height))
    return draw_outcomes(pixels, sample, shown, match_image(sample, shown, IOU_THRESHOLD), findings.classes)


def _entry(image: JudgedImage) -> dict[str, Any]:
    score = image.score
    return {
        "image_id": image.sample.id,
        "file": image.sample.path.name,
        "F1": round(score.f1, 4),
        "mean_IoU": round(score.mean_iou, 4),
        "found": score.hits,
        "missed": score.missed,
        "false_alarms": score.false_alarms,
    }


def _sheet(tiles: list[np.ndarray]) -> np.ndarray:
    """Two columns as wide as the widest tile, the legend on top; uint8 [H, W, 3] RGB."""
    width, height = max(t.shape[1] for t in tiles), max(t.shape[0] for t in tiles)
    sheet = contact_sheet(tiles, columns=2, tile=(width, height))
    return np.concatenate((legend(sheet.shape[1]), sheet))


def _listed(values: np.ndarray) -> list[float | None]:
    return [round(float(value), 5) if np.isfinite(value) else None for value in values]


def _read_json(path: Path) -> dict[str, Any]:
    return read_json_object(path, "Run eval again.") if path.is_file() else {}
