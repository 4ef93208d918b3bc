"""`eval`: a trained network, or a result file, against annotations; metrics.json and pictures."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.progress import track

from ms_core import device
from ms_core.atomic import JsonListFile, atomic_write
from ms_core.data.images import read_image
from ms_core.data.open import Split, open_split, recognise_format
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.draw import contact_sheet, save_image, truth_and_prediction
from ms_core.errors import UserError
from ms_core.evaluation.coco import CocoEvaluator, CocoMetrics
from ms_core.evaluation.confusion import ConfusionMatrix
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector
from ms_core.single_shot.evaluate import coco_results, evaluate
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.trained import load_trained

Item = TypeVar("Item")

EXAMPLES = 6
"""Pictures on the sheet of examples."""
EXAMPLE_WIDTH = 800
"""Width of each on the sheet, truth and prediction together, pixels."""
EXAMPLE_SCORE = 0.5
"""Least score of a detection that is drawn on it, 0-1."""


def evaluate_target(
    package: DetectorPackage, target: Path, config: SingleShotConfig, split: Split, out: Path | None
) -> CocoMetrics:
    """Evaluate a run folder or checkpoint; prints the COCO lines and `mAP: 0.xxx`.

    Writes metrics.json, predictions.json (COCO results), precision-recall.json, examples.jpg (truth left, prediction
    right) and, where matplotlib is installed, figures into `out`, by default `eval-SPLIT` in the run folder.

    Raises:
        UserError: no such checkpoint, no or faulty data, or a class that the network does not know.
    """
    device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    model = load_trained(package, target, config)
    dataset = open_split(config.data, split, model.classes)
    out = out or _default_folder(target, split)
    out.mkdir(parents=True, exist_ok=True)
    detector = Detector(model.network, config.postprocess, config.eval.batch_size)
    examples, confusion = _Examples(dataset), ConfusionMatrix(dataset.classes, min_score=EXAMPLE_SCORE)
    started = time.monotonic()
    with atomic_write(out / "predictions.json") as file:
        results = JsonListFile(file)

        def keep(sample: Sample, detections: Detections) -> None:
            for entry in coco_results(sample.id, detections, dataset.category_ids):
                results.add(entry)
            examples.add(sample, detections)
            ignored = sample.crowd | sample.difficult
            confusion.update(sample.boxes, sample.labels, detections, ignored)

        metrics = evaluate(
            detector, dataset, config.eval, workers=config.train.workers, track=_bar, keep=keep
        )
        results.close()
    seconds = time.monotonic() - started
    examples.save(out / "examples.jpg")
    for note in dataset.notes:
        print(f"note: {note}")
    about = {
        "data": str(dataset.source),
        "checkpoint": str(model.checkpoint),
        "model": model.name,
        "seconds": round(seconds, 1),
    }
    _report(metrics, out, about)
    if find_spec("matplotlib") is not None:
        from ms_core.report import confusion_figure

        confusion_figure(confusion, out / "confusion.png")
    return metrics


def score_result_file(results: Path, config: SingleShotConfig, split: Split, out: Path | None) -> CocoMetrics:
    """Evaluate a COCO result file made by any program.

    Raises:
        UserError: faulty results or annotations.
    """
    if config.eval.subset != "all":
        raise UserError("--eval.subset: a result file is scored on all images. Leave the option away.")
    truth, source = _ground_truth(config, split)
    evaluator = CocoEvaluator(truth, engine=config.eval.engine, voc_ap50=config.eval.voc_ap50)
    evaluator.update_json(results)  # speaks for every image, found or not
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
        self.pictures: list[np.ndarray] = []

    def add(self, sample: Sample, detections: Detections) -> None:
        if len(self.pictures) == EXAMPLES or not len(sample.boxes):
            return
        visible = detections.above(EXAMPLE_SCORE)
        image = read_image(sample.path, (sample.width, sample.height))
        self.pictures.append(truth_and_prediction(image, sample.boxes, sample.labels, visible, self._classes))

    def save(self, path: Path) -> None:
        """Write the sheet, its tiles shaped like the first picture; nothing where no picture has an annotation."""
        if self.pictures:
            height, width = self.pictures[0].shape[:2]
            tile = (EXAMPLE_WIDTH, max(1, EXAMPLE_WIDTH * height // width))
            save_image(path, contact_sheet(self.pictures, columns=2, tile=tile))


def _bar(items: Iterable[Item], total: int) -> Iterable[Item]:
    return track(items, "evaluating", total=total)


def _default_folder(target: Path, split: str) -> Path:
    run = target if target.is_dir() else target.parent.parent
    return run / f"eval-{split}" if (run / "config.yaml").is_file() else Path(f"eval-{target.stem}-{split}")


def _report(metrics: CocoMetrics, out: Path, about: dict[str, Any]) -> None:
    for line in metrics.lines():
        print(line)
    width = max((len(score.name) for score in metrics.classes), default=0)
    for score in metrics.classes:
        print(
            f" {score.name:<{width}}  AP {_shown(score.ap)}  AP50 {_shown(score.ap50)}  {score.objects} objects"
        )
    if metrics.voc_ap50 is not None:
        print(f" VOC AP50: {metrics.voc_ap50:.4f}")
    _write_json(out / "metrics.json", {**metrics.to_json(), **about})
    _write_json(out / "precision-recall.json", _curves(metrics))
    if find_spec("matplotlib") is not None:
        from ms_core.report import class_ap_figure, precision_recall_figure

        precision_recall_figure(metrics, out / "precision-recall.png")
        class_ap_figure(metrics, out / "class-ap.png")
    print(f"mAP: {metrics.ap:.3f}")
    print(f"AP50: {metrics.ap50:.3f}; {metrics.images} images; results in {out}")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with atomic_write(path) as file:
        json.dump(content, file, indent=2, ensure_ascii=False)


def _curves(metrics: CocoMetrics) -> dict[str, Any]:
    """Precision at IoU 0.5 at COCO's 101 levels of recall (0, 0.01, ... 1), by class; -1 where no object can count."""
    return {
        score.name: metrics.precision[0, :, k].round(5).tolist() for k, score in enumerate(metrics.classes)
    }


def _shown(value: float) -> str:
    return "  -  " if value < 0 else f"{value:.3f}"
