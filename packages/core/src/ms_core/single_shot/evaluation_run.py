"""`eval`: a trained network, or a result file, against annotations; metrics.json and pictures."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import track

from ms_core import device
from ms_core.atomic import JsonListFile, atomic_write
from ms_core.data.images import read_image
from ms_core.data.open import Split, open_split, recognise_format
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.draw import contact_sheet, save_image, truth_and_prediction
from ms_core.evaluation.coco import CocoEvaluator, CocoMetrics
from ms_core.evaluation.ground_truth import load_ground_truth, read_json
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector
from ms_core.single_shot.evaluate import coco_results, evaluate
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.trained import load_trained

Item = TypeVar("Item")

EXAMPLES = 8
"""Pictures on the sheet of examples."""
EXAMPLE_SCORE = 0.4
"""Least score of a detection that is drawn on it, 0-1."""


def evaluate_target(
    package: DetectorPackage, target: Path, config: SingleShotConfig, split: Split, out: Path | None
) -> CocoMetrics:
    """Evaluate a run folder or checkpoint; prints the COCO lines and `mAP: 0.xxx`.

    Writes metrics.json, predictions.json (COCO results), examples.jpg (truth left, prediction right) and, where
    matplotlib is installed, figures into `out`, by default `eval-SPLIT` in the run folder.

    Raises:
        UserError: no such checkpoint, no or faulty data, or a class that the network does not know.
    """
    device.start(config.device, mode=config.mode, seed=config.seed)
    model = load_trained(package, target, config)
    dataset = open_split(config.data, split, model.classes)
    out = out or _default_folder(target, split)
    out.mkdir(parents=True, exist_ok=True)
    detector = Detector(model.network, config.postprocess, config.eval.batch_size)
    examples = _Examples(dataset)
    started = time.monotonic()
    with atomic_write(out / "predictions.json") as file:
        results = JsonListFile(file)

        def keep(sample: Sample, detections: Detections) -> None:
            for entry in coco_results(sample.id, detections, dataset.category_ids):
                results.add(entry)
            examples.add(sample, detections)

        metrics = evaluate(
            detector, dataset, config.eval, workers=config.train.workers, track=_bar, keep=keep
        )
        results.close()
    seconds = time.monotonic() - started
    save_image(out / "examples.jpg", contact_sheet(examples.pictures, columns=2))
    for note in dataset.notes:
        print(f"note: {note}")
    about = {
        "data": str(dataset.source),
        "checkpoint": str(model.checkpoint),
        "model": model.name,
        "seconds": round(seconds, 1),
    }
    _report(metrics, out, about)
    return metrics


def score_result_file(results: Path, config: SingleShotConfig, split: Split, out: Path | None) -> CocoMetrics:
    """Evaluate a COCO result file made by any program.

    Raises:
        UserError: faulty results or annotations.
    """
    truth, source = _ground_truth(config, split)
    evaluator = CocoEvaluator(
        truth,
        engine=config.eval.engine,
        voc_ap50=config.eval.voc_ap50,
        image_ids=load_ground_truth(truth).image_ids,  # all of them count, found or not
    )
    evaluator.update_json(read_json(results))
    metrics = evaluator.compute()
    out = out or results.parent / f"eval-{results.stem}"
    out.mkdir(parents=True, exist_ok=True)
    _report(metrics, out, {"data": str(source), "predictions": str(results)})
    return metrics


def _ground_truth(config: SingleShotConfig, split: Split) -> tuple[dict[str, Any] | Path, Path]:
    """What the evaluator reads, and where it is from; a COCO file needs no pictures for that."""
    path = getattr(config.data, split)
    if path is None or config.data.format not in ("auto", "coco") or recognise_format(Path(path)) != "coco":
        dataset = open_split(config.data, split)
        return dataset.to_coco(), dataset.source
    return Path(path), Path(path)


class _Examples:
    """The first few pictures with annotations, truth beside prediction."""

    def __init__(self, dataset: DetectionDataset) -> None:
        self._classes = dataset.classes
        self.pictures: list = []

    def add(self, sample: Sample, detections: Detections) -> None:
        if len(self.pictures) == EXAMPLES or not len(sample.boxes):
            return
        shown = detections.scores > EXAMPLE_SCORE
        visible = Detections(detections.boxes[shown], detections.scores[shown], detections.labels[shown])
        image = read_image(sample.path, (sample.width, sample.height))
        self.pictures.append(truth_and_prediction(image, sample.boxes, sample.labels, visible, self._classes))


def _bar(items: Iterable[Item], total: int) -> Iterable[Item]:
    return track(items, "evaluating", total=total)


def _default_folder(target: Path, split: str) -> Path:
    run = target if target.is_dir() else target.parent.parent
    return run / f"eval-{split}" if (run / "config.yaml").is_file() else Path(f"eval-{target.stem}-{split}")


def _report(metrics: CocoMetrics, out: Path, about: dict[str, Any]) -> None:
    for line in metrics.lines():
        print(line)
    width = max(len(score.name) for score in metrics.classes)
    for score in metrics.classes:
        print(
            f" {score.name:<{width}}  AP {_shown(score.ap)}  AP50 {_shown(score.ap50)}  {score.objects} objects"
        )
    if metrics.voc_ap50 is not None:
        print(f" VOC AP50: {metrics.voc_ap50:.4f}")
    with atomic_write(out / "metrics.json") as file:
        json.dump({**metrics.to_json(), **about}, file, indent=2, ensure_ascii=False)
    if find_spec("matplotlib") is not None:
        from ms_core.report import class_ap_figure, precision_recall_figure

        precision_recall_figure(metrics, out / "precision-recall.png")
        class_ap_figure(metrics, out / "class-ap.png")
    print(f"mAP: {metrics.ap:.3f}")
    print(f"AP50: {metrics.ap50:.3f}; {metrics.images} images; results in {out}")


def _shown(value: float) -> str:
    return "  -  " if value < 0 else f"{value:.3f}"
