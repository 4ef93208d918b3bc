"""`eval`: a trained network, or a result file, against annotations; metrics.json and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import track

from ms_core import device
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.open import Split, open_split, recognise_format
from ms_core.data.record_cache import open_cached_split
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.evaluation.coco import CocoEvaluator, CocoMetrics
from ms_core.evaluation.coco_results import coco_result_file
from ms_core.evaluation.findings import Findings
from ms_core.evaluation.found import Found, measure_found
from ms_core.report.evaluation_folder import write_findings, write_metrics
from ms_core.run_target import evaluation_folder_of, rewrite_report
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.evaluate import evaluation_samples
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.views import PictureDetector, detect_all
from ms_core.train.config import check_workers

Item = TypeVar("Item")


def evaluate_target(
    package: DetectorPackage, target: Path, config: SingleShotConfig, split: Split, out: Path | None
) -> CocoMetrics:
    """Evaluate a run folder or checkpoint; prints the COCO lines and `mAP: 0.xxx`.

    Writes predictions.json (COCO results) and what `report.evaluation_folder` lists into `out`, by default the
    `run_target.evaluation_folder_of` the target; the report.html of its run then tells of it.

    Raises:
        UserError: no such checkpoint, no or faulty data, a class that the network does not know, or train.workers
            below 1.
    """
    check_workers(config.train)
    from ms_core.single_shot.detector import Detector
    from ms_core.single_shot.trained import load_trained

    runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    keep_compiled_graphs(config.compile_cache, runtime, print)
    model = load_trained(package, target, config)
    dataset = open_cached_split(config.data, split, model.classes)
    out = out or evaluation_folder_of(target, split)
    detector = Detector(model.network, config.postprocess, config.eval.batch_size, config.inference)
    about = {"checkpoint": str(model.checkpoint), "model": model.name}
    metrics = evaluate_detector(detector, dataset, config, out, about)
    rewrite_report(target, out)
    return metrics


def evaluate_detector(
    detector: PictureDetector,
    dataset: DetectionDataset,
    config: SingleShotConfig,
    out: Path,
    about: Mapping[str, str],
) -> CocoMetrics:
    """`evaluate_found` of what `detector` finds in the images that count."""
    samples = evaluation_samples(dataset, config.eval.subset)
    found = detect_all(detector, samples, workers=config.train.workers, encoded=dataset.encoded)
    return evaluate_found(_bar(found, len(samples)), dataset, config, out, about)


def evaluate_found(
    found: Iterable[Found],
    dataset: DetectionDataset,
    config: SingleShotConfig,
    out: Path,
    about: Mapping[str, str],
) -> CocoMetrics:
    """Measure and print; write predictions.json and what `report.evaluation_folder` lists.

    Args:
        found: in samples of `dataset`; looked at one by one.
        out: folder, made where it is missing.
        about: further entries of metrics.json.
    """
    out.mkdir(parents=True, exist_ok=True)
    findings = Findings(dataset.classes, min_score=config.postprocess.min_score)
    started = time.monotonic()
    with coco_result_file(out / "predictions.json", dataset.category_ids) as write:

        def keep(sample: Sample, detections: Detections) -> None:
            write(sample, detections)
            findings.update(sample, detections)

        metrics = measure_found(
            found, dataset, engine=config.eval.engine, voc_ap50=config.eval.voc_ap50, keep=keep
        )
    seconds = time.monotonic() - started
    for note in dataset.notes:
        print(f"note: {note}")
    content = {
        "data": str(dataset.source),
        **about,
        "seconds": round(seconds, 1),
        **write_findings(out, findings, dataset.encoded),
    }
    write_metrics(out, metrics, content, findings)
    print_numbers(metrics, out, findings)
    return metrics


def score_result_file(results: Path, config: SingleShotConfig, split: Split, out: Path | None) -> CocoMetrics:
    """Evaluate a COCO result file made by any program.

    Raises:
        UserError: faulty results or annotations.
    """
    if config.eval.subset != "all":
        raise UserError("--eval.subset: a result file is scored on all images. Say --eval.subset all.")
    truth, source = _ground_truth(config, split)
    evaluator = CocoEvaluator(truth, engine=config.eval.engine, voc_ap50=config.eval.voc_ap50)
    evaluator.update_json(results)  # speaks for every image, found or not
    metrics = evaluator.compute()
    out = out or results.parent / f"eval-{results.stem}"
    out.mkdir(parents=True, exist_ok=True)
    write_metrics(out, metrics, {"data": str(source), "predictions": str(results)})
    print_numbers(metrics, out)
    return metrics


def _ground_truth(config: SingleShotConfig, split: Split) -> tuple[dict[str, Any] | Path, Path]:
    """What the evaluator reads, and where it is from; a COCO file needs no pictures for that."""
    path = getattr(config.data, split)
    if path is None or config.data.format not in ("auto", "coco") or recognise_format(Path(path)) != "coco":
        # Named annotations are read themselves: scoring needs no picture, and without the network's class list a
        # cache made for it would be taken for a stale one.
        dataset = (open_cached_split if path is None else open_split)(config.data, split)
        return dataset.to_coco(), dataset.source
    return Path(path), Path(path)


def _bar(items: Iterable[Item], total: int) -> Iterable[Item]:
    return track(items, "evaluating", total=total)


def print_numbers(metrics: CocoMetrics, out: Path, findings: Findings | None = None) -> None:
    """The twelve COCO lines, a line a class, and `mAP: 0.xxx`."""
    for line in metrics.lines():
        print(line)
    width = max((len(score.name) for score in metrics.classes), default=0)
    for score in metrics.classes:
        advice = None if findings is None else findings.advice(score.name)
        best = "" if advice is None else f"  best F1 {advice.f1:.3f} at score > {advice.score:.2f}"
        print(
            f" {score.name:<{width}}  AP {_shown(score.ap)}  AP50 {_shown(score.ap50)}  "
            f"{score.objects} objects{best}"
        )
    if metrics.voc_ap50 is not None:
        print(f" VOC AP50: {metrics.voc_ap50:.4f}")
    if findings is not None:
        print(findings.advice_in_words())
    print(f"mAP: {metrics.ap:.3f}")
    print(f"AP50: {metrics.ap50:.3f}; {metrics.images} images; results in {out}")


def _shown(value: float) -> str:
    return "  -  " if value < 0 else f"{value:.3f}"
