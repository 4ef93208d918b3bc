"""`eval`: a trained network against annotations; base, novel and all classes, metrics.json and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ms_core import device
from ms_core.atomic import JsonListFile, atomic_write
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.open import Split
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco_results import coco_results
from ms_core.evaluation.findings import Findings
from ms_core.report.evaluation_folder import write_findings, write_metrics
from ms_core.run_target import evaluation_folder_of, rewrite_report
from ms_core.train.config import check_workers
from rich.progress import track

from ms_defrcn.category_table import category_table
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.evaluate import evaluate
from ms_defrcn.stage_data import open_stage
from ms_defrcn.stage_metrics import StageMetrics, stage_metrics

if TYPE_CHECKING:  # imports MindSpore
    from ms_defrcn.detector import Detector
    from ms_defrcn.trained import TrainedModel

Item = TypeVar("Item")


def evaluate_target(target: Path, config: DeFRCNConfig, split: Split, out: Path | None) -> StageMetrics:
    """Evaluate a run folder or checkpoint; prints the COCO lines, the table of categories, base and novel AP.

    Which classes count follows from the network: every picture is looked at, and what is annotated of other classes is
    left out. Writes predictions.json (COCO results) and what `report.evaluation_folder` lists into `out`, by default
    the `run_target.evaluation_folder_of` the target; metrics.json has bAP and nAP (and AP50, AP75 of both) besides.
    The report.html of its run then tells of it.

    Raises:
        UserError: no such checkpoint, no or faulty data, classes that the network does not know, calibration without
            weights or labelled objects, or train.workers below 1.
    """
    check_workers(config.train)
    from ms_defrcn.calibration_run import open_calibration
    from ms_defrcn.detector import Detector
    from ms_defrcn.trained import load_trained

    runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    keep_compiled_graphs(config.compile_cache, runtime, print)
    model = load_trained(target, config)
    dataset = open_stage(config, split, model.classes)
    calibration, pcb = open_calibration(model, target, config)
    print(pcb)
    out = out or _folder(target, split, config.pcb.enabled)
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    findings = Findings(dataset.classes, min_score=0.0 if calibration else config.postprocess.min_score)
    metrics = _evaluated(
        Detector(model.network, config, calibration, print), dataset, config, model, findings, out
    )
    about = {
        "data": str(dataset.source),
        "checkpoint": str(model.checkpoint),
        "model": model.name,
        "seconds": round(time.monotonic() - started, 1),
        "pcb": pcb,
        **metrics.group_entries(),
        **write_findings(out, findings, dataset.encoded),
    }
    write_metrics(out, metrics.coco, about, findings)
    print_numbers(metrics, model.classes, dataset, about, findings, out)
    rewrite_report(target, out)
    return metrics


def _folder(target: Path, split: Split, calibrated: bool) -> Path:
    """Where the results go that nobody names a folder for; those with calibration beside those without."""
    folder = evaluation_folder_of(target, split)
    return folder.with_name(f"{folder.name}-pcb") if calibrated else folder


def _evaluated(
    detector: Detector,
    dataset: DetectionDataset,
    config: DeFRCNConfig,
    model: TrainedModel,
    findings: Findings,
    out: Path,
) -> StageMetrics:
    """The numbers; writes predictions.json and fills `findings` on the way."""
    with atomic_write(out / "predictions.json") as file:
        results = JsonListFile(file)

        def keep(sample: Sample, detections: Detections) -> None:
            for entry in coco_results(sample.id, detections, dataset.category_ids):
                results.add(entry)
            findings.update(sample, detections)

        coco = evaluate(detector, dataset, config.eval, workers=config.train.workers, track=_bar, keep=keep)
        results.close()
    return stage_metrics(coco, model.base, model.novel)


def print_numbers(
    metrics: StageMetrics,
    classes: tuple[str, ...],
    dataset: DetectionDataset,
    about: dict[str, Any],
    findings: Findings,
    out: Path,
) -> None:
    """What `eval` prints at its end; the last lines are for people, `mAP: 0.xxx` for scripts."""
    for note in dataset.notes:
        print(f"note: {note}")
    for line in (*metrics.coco.lines(), *category_table(metrics.coco, classes), *metrics.lines()):
        print(line)
    print(findings.advice_in_words())
    print(f"{metrics.coco.images} images of {about['data']}; {about['pcb']}; results in {out}")
    print(f"mAP: {metrics.coco.ap:.3f}")


def _bar(items: Iterable[Item], total: int) -> Iterable[Item]:
    return track(items, "evaluating", total=total)
