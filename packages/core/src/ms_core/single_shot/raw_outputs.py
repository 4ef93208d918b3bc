"""`eval RESULT_FOLDER`: metrics from results of the C++ programs, the old zoo's route from an Ascend 310 to numbers.

Such a folder holds two files an image: NAME_0.bin, float32 [N, 4] boxes as (y0, x0, y1, x1) relative to the image, and
NAME_1.bin, float32 [N, K] scores with the background first; or, of a graph that selects boxes itself, boxes [D, 4],
scores [D] and NAME_2.bin, int32 [D] labels. Our programs write an index beside them (`ms_core.infer.result_folder`);
without one NAME is the picture's name without its suffix, or its id in the annotations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ms_core.data.open import Split, open_split
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco_metrics import CocoMetrics
from ms_core.infer.detections import DetectionReader, RawDecoder
from ms_core.infer.result_detections import (
    Pair,
    form_of,
    open_detection_results,
    pair_results,
    require_decoded,
    result_detections,
    rows_of,
)
from ms_core.infer.result_folder import ResultFolder
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.evaluate import evaluation_samples


@dataclass(frozen=True)
class RawResults:
    """Results of images of a data set."""

    folder: ResultFolder
    pairs: list[Pair]
    """Of the images that count."""
    dataset: DetectionDataset

    def found(
        self, config: SingleShotConfig, decode: RawDecoder | None = None
    ) -> Iterator[tuple[Sample, Detections]]:
        """Detections, image by image.

        Args:
            config: the post-processing and `train.workers`.
            decode: of a model exported with raw outputs.

        Raises:
            UserError: as `result_detections`.
        """
        reader = DetectionReader("raw" if decode else form_of(self.folder), config.postprocess, decode)
        columns = len(self.dataset.classes) + 1

        def read(outputs: Sequence[np.ndarray], width: int, height: int) -> Detections:
            rows = rows_of(outputs, columns)
            if reader.form == "decoded":
                require_decoded(*rows)
            return reader(rows, width, height)

        return result_detections(self.folder, self.pairs, read, workers=config.train.workers)

    def note(self) -> str:
        """How many images count, and what was not done; for the user."""
        counts = f"{len(self.pairs)} of {len(self.dataset)} images have raw outputs that count"
        failures = self.folder.failure_note()
        return f"{counts}; {failures}" if failures else counts


def open_raw_results(folder: Path, dataset: DetectionDataset, config: SingleShotConfig) -> RawResults:
    """Pair what lies in a folder with the images of a data set; `eval.subset` zoo leaves out those with crowd boxes or
    without any (the old `--drop`).

    Raises:
        UserError: no results, or one that belongs to no image.
    """
    results = open_detection_results(folder)
    kept = {sample.id for sample in evaluation_samples(dataset, config.eval.subset)}
    pairs = [pair for pair in pair_results(results, dataset.samples) if pair.sample.id in kept]
    return RawResults(results, pairs, dataset)


def score_raw_outputs(folder: Path, config: SingleShotConfig, split: Split, out: Path | None) -> CocoMetrics:
    """Evaluate raw outputs; prints the COCO lines and `mAP: 0.xxx`, writes predictions.json and metrics.json.

    Images without outputs do not count, as in the old zoo. The pictures themselves are not needed.

    Args:
        folder: of the files.
        config: names the annotations, the classes in the order of the network, and the post-processing.
        split: val or test.
        out: folder for the results; by default `eval-RESULT_FOLDER` beside the raw outputs.

    Raises:
        UserError: no annotations, a file of the wrong size, or one that belongs to no image.
    """
    from ms_core.evaluation.coco_results import coco_result_file
    from ms_core.evaluation.found import measure_found
    from ms_core.report.evaluation_folder import write_metrics
    from ms_core.single_shot.evaluation_run import print_numbers
    from ms_core.train.config import check_workers

    check_workers(config.train)
    dataset = open_split(config.data, split)
    raw = open_raw_results(folder, dataset, config)
    out = out or folder.absolute().parent / f"eval-{folder.name}"
    out.mkdir(parents=True, exist_ok=True)
    with coco_result_file(out / "predictions.json", dataset.category_ids) as keep:
        engine, voc_ap50 = config.eval.engine, config.eval.voc_ap50
        metrics = measure_found(raw.found(config), dataset, engine=engine, voc_ap50=voc_ap50, keep=keep)
    write_metrics(out, metrics, {"data": str(dataset.source), "raw_outputs": str(folder)})
    print(raw.note())
    print_numbers(metrics, out)
    return metrics
