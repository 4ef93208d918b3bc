"""`eval`: a trained network against annotations; base, novel and all classes, metrics.json and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ms_core import device
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.open import Split
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco_results import coco_result_file
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
    """Evaluate a run folder or checkpoint as `pcb.enabled` says: `Evaluation.measure`.

    Raises:
        UserError: as `Evaluation` and its `measure`.
    """
    return Evaluation(target, config, split).measure(config.pcb.enabled, out)


class Evaluation:
    """A run folder or checkpoint beside the pictures it is measured on; its graphs are compiled once.

    Which classes count follows from the network: every picture is looked at, and what is annotated of other classes is
    left out.

    Raises:
        UserError: no such checkpoint, no or faulty data, classes that the network does not know, or train.workers
            below 1.
    """

    def __init__(self, target: Path, config: DeFRCNConfig, split: Split) -> None:
        check_workers(config.train)
        from ms_defrcn.detector import Detector
        from ms_defrcn.trained import load_trained

        runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
        keep_compiled_graphs(config.compile_cache, runtime, print)
        self.target = target
        self.config = config
        self.split: Split = split
        self._model = load_trained(target, config)
        self._dataset = open_stage(config, split, self._model.classes)
        self._detector = Detector(self._model.network, config, say=print)

    def measure(self, calibrated: bool, out: Path | None) -> StageMetrics:
        """Detect in all pictures; prints the COCO lines, the table of categories, base and novel AP.

        Writes predictions.json (COCO results) and what `report.evaluation_folder` lists into `out`, by default the
        `run_target.evaluation_folder_of` the target; metrics.json has bAP and nAP (and AP50, AP75 of both) besides.
        The report.html of its run then tells of it.

        Args:
            calibrated: PCB on.
            out: folder of the results; None: in the run folder.

        Raises:
            UserError: calibration without weights or labelled objects, or a damaged or missing picture.
        """
        from ms_defrcn.calibration_run import open_calibration

        config, model, dataset = self.config, self._model, self._dataset
        pcb_config = replace(config, pcb=replace(config.pcb, enabled=calibrated))
        self._detector.calibration, pcb = open_calibration(model, self.target, pcb_config)
        print(pcb)
        out = out or _folder(self.target, self.split, calibrated)
        out.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        findings = Findings(dataset.classes, min_score=0.0 if calibrated else config.postprocess.min_score)
        metrics = _evaluated(self._detector, dataset, config, model, findings, out)
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
        rewrite_report(self.target, out)
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
    with coco_result_file(out / "predictions.json", dataset.category_ids) as write:

        def keep(sample: Sample, detections: Detections) -> None:
            write(sample, detections)
            findings.update(sample, detections)

        coco = evaluate(detector, dataset, config.eval, workers=config.train.workers, track=_bar, keep=keep)
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
