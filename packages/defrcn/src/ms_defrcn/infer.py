"""`infer`: an exported detector, run from Python or by the C++ program; and `eval` of such a program's results."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from ms_core.cli import DONE
from ms_core.data.draw_predictions import draw_predictions, drawing_paths
from ms_core.data.find_images import find_images
from ms_core.data.open import Split
from ms_core.data.prediction_files import check_prediction_files
from ms_core.data.sample import DetectionDataset
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.evaluation.coco_results import coco_result_file
from ms_core.evaluation.findings import Findings
from ms_core.evaluation.found import Found
from ms_core.export.manifest import TwoStageManifest
from ms_core.infer.exported_run import ExportedRun
from ms_core.infer.options import CPP, Exported
from ms_core.infer.program import exit_code, of_pictures
from ms_core.infer.result_detections import (
    ReadDetections,
    open_detection_results,
    pair_results,
    result_detections,
    rows_of,
)
from ms_core.infer.result_folder import ResultFolder
from ms_core.report.evaluation_folder import write_findings, write_metrics
from ms_core.train.config import check_workers
from rich.progress import track

from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.detector import detect_all
from ms_defrcn.evaluate import measure_as_configured
from ms_defrcn.evaluation_run import print_numbers
from ms_defrcn.exported_detector import ExportedDetector, OutputReader, selected
from ms_defrcn.stage_data import open_stage
from ms_defrcn.stage_metrics import StageMetrics, stage_metrics
from ms_defrcn.trained import novel_classes

NOT_CALIBRATED = "scores are not calibrated (exported models have no PCB)"

Item = TypeVar("Item")


class InferenceRun(ExportedRun[TwoStageManifest]):
    """One call of `infer`.

    Args:
        exported: the model.
        config: where the data lies, which classes are novel, how detections are selected, the device.
        arguments: of `infer.options.add_infer_options`, and `min_score` of what is drawn.

    Raises:
        UserError: a selection that the exported graph does not do, or a setting out of range.
    """

    def __init__(
        self, exported: Exported[TwoStageManifest], config: DeFRCNConfig, arguments: Namespace
    ) -> None:
        check_workers(config.train)
        if config.pcb.enabled:
            raise UserError(
                "pcb.enabled: exported models are run without calibration. Pass --pcb.enabled false."
            )
        super().__init__(exported, arguments, config.device)
        self.config = config
        self.read = OutputReader(exported.manifest, config.postprocess)

    def predict(self) -> int:
        """Draw what is found and write predictions.json, as `predict` does; returns the exit code."""
        out, least = self.arguments.out, self.arguments.min_score
        images = find_images(self.arguments.inputs, leave_out=out)
        check_prediction_files(out, drawing_paths(images, out), images, self.arguments.overwrite)
        results = None if self.exported.runtime != CPP else self.run_program(images, out)
        if results is not None:
            everything, count = self._of_results(results, images), len(results.results)
        else:
            everything = detect_all(self.detector, images, workers=self.config.train.workers)
            count = len(images)
        found = ((path, detections.above(least)) for path, detections in everything)
        counts = draw_predictions(_bar(found, count, "predicting"), images, self.manifest.classes, out)
        words = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        print(f"{pictures}, score > {least:g}: {words}; drawn in {out}")
        return DONE if results is None else exit_code(results)

    def evaluate(self) -> int:
        """Measure on a data set; prints and writes what `eval` does; returns the exit code."""
        split = self.arguments.split
        dataset = open_stage(self.config, split, self.manifest.classes)
        workers, out, about = self.config.train.workers, self.evaluation_folder, self.about
        if self.exported.runtime != CPP:
            found = detect_all(self.detector, dataset.samples, workers=workers, encoded=dataset.encoded)
            evaluate_found(_bar(found, len(dataset)), dataset, self.config, out, about)
            return DONE
        results = self.run_program([sample.path for sample in dataset.samples], out)
        pairs = pair_results(results, dataset.samples)
        found = result_detections(results, pairs, self.read, workers=workers)
        evaluate_found(_bar(found, len(pairs)), dataset, self.config, out, about)
        return exit_code(results)

    def benchmark_inputs(self, picture: np.ndarray) -> Sequence[np.ndarray]:
        return self.detector.inputs(self.detector.prepare(picture))

    @cached_property
    def detector(self) -> ExportedDetector:
        """Pictures in, detections out."""
        return ExportedDetector(self.session, self.manifest, self.read)

    def _of_results(self, results: ResultFolder, images: Sequence[Path]) -> Iterator[tuple[Path, Detections]]:
        for path, result in of_pictures(results, images):
            assert result.width is not None
            assert result.height is not None
            yield path, self.read(result.read(results.path), result.width, result.height)


def score_results(folder: Path, config: DeFRCNConfig, split: Split, out: Path | None) -> StageMetrics:
    """Evaluate the result folder of a C++ program; prints and writes what `eval` of a network does.

    Pictures without a result do not count.

    Args:
        folder: boxes, scores and labels of every picture.
        config: names the annotations and the classes in the order of the network, and which of them are novel.
        out: folder of the evaluation; by default `eval-RESULT_FOLDER` beside the results.

    Raises:
        UserError: no or faulty data or results, or a result that belongs to no picture.
    """
    check_workers(config.train)
    results, dataset = open_detection_results(folder), open_stage(config, split)
    pairs = pair_results(results, dataset.samples)
    out = out or folder.absolute().parent / f"eval-{folder.name}"
    note = results.failure_note()
    print(f"{len(pairs)} of {len(dataset)} pictures have results{f'; {note}' if note else ''}")
    read = _selected_reader(len(dataset.classes), config.postprocess.min_score)
    found = result_detections(results, pairs, read, workers=config.train.workers)
    return evaluate_found(_bar(found, len(pairs)), dataset, config, out, {"raw_outputs": str(folder)})


def evaluate_found(
    found: Iterable[Found],
    dataset: DetectionDataset,
    config: DeFRCNConfig,
    out: Path,
    about: Mapping[str, str],
) -> StageMetrics:
    """Measure and print; write predictions.json and what `report.evaluation_folder` lists.

    Args:
        found: in samples of `dataset`; looked at one by one.
        config: says which classes are novel; without lists all are base classes.
        out: folder, made where it is missing.
        about: further entries of metrics.json.
    """
    out.mkdir(parents=True, exist_ok=True)
    findings = Findings(dataset.classes, min_score=config.postprocess.min_score)
    with coco_result_file(out / "predictions.json", dataset.category_ids) as write:

        def keep(sample: Any, detections: Detections) -> None:
            write(sample, detections)
            findings.update(sample, detections)

        coco = measure_as_configured(found, dataset, config.eval, keep)
    novel = novel_classes(dataset.classes, config.fewshot)
    metrics = stage_metrics(coco, [name for name in dataset.classes if name not in novel], novel)
    content = {
        "data": str(dataset.source),
        **about,
        "pcb": NOT_CALIBRATED,
        **metrics.group_entries(),
        **write_findings(out, findings, dataset.encoded),
    }
    write_metrics(out, metrics.coco, content, findings)
    print_numbers(metrics, dataset.classes, dataset, content, findings, out)
    return metrics


def _selected_reader(classes: int, min_score: float) -> ReadDetections:
    """Outputs of a graph that selects boxes itself."""

    def read(outputs: Sequence[np.ndarray], width: int, height: int) -> Detections:
        if len(outputs) != 3 or outputs[0].ndim == 3:
            raise ValueError(
                "no boxes, scores and labels. Export the model with --outputs nms, or use `infer --runtime cpp`."
            )
        boxes, scores, labels = rows_of(outputs, classes + 1)
        return selected(boxes, scores, labels, width, height).above(min_score)

    return read


def _bar(items: Iterable[Item], total: int, doing: str = "evaluating") -> Iterable[Item]:
    return track(items, doing, total=total)
