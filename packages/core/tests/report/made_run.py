"""A run folder as training and evaluation leave it, with names that would break a careless page."""

from pathlib import Path

import numpy as np
from ms_core.data.sample import DetectionDataset
from ms_core.data.summary import write_data_summary
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco import CocoEvaluator
from ms_core.evaluation.findings import Findings
from ms_core.report.evaluation_folder import write_findings, write_metrics
from ms_core.run_folder import RunFolder

CLASSES = ('<script>alert("1")</script>', "Füßgänger & 'Rad'", "猫")


def records(epochs: int, *, evaluated: bool = True) -> list[dict]:
    """metrics.jsonl of a run."""
    written: list[dict] = []
    for epoch in range(1, epochs + 1):
        common = {"step": 10 * epoch, "epoch": float(epoch)}
        numbers = {"loss": 9 / epoch, "loss_class": 5 / epoch, "loss_box": 4 / epoch, "lr": 0.1 / epoch}
        written.append(
            {"kind": "train", **common, **numbers, "images_per_second": 5.0, "skipped": 0, "scale": 1.0}
        )
        if evaluated:
            written.append({"kind": "evaluation", **common, "AP": epoch / 50, "AP50": epoch / 40})
    return written


def make_run(
    folder: Path, dataset: DetectionDataset | None, epochs: int = 4, *, evaluated: bool = True
) -> RunFolder:
    """A run folder that training has just left."""
    run = RunFolder(folder)
    run.create("model:\n  name: ssd300\ntrain:\n  epochs: 4\n  batch_size: 2\nweights: <b>&.ckpt\n")
    for record in records(epochs, evaluated=evaluated):
        run.append_metrics(record)
    run.log("ssd300 (zoo, padding same) on CPU:0; 4 epochs")
    if dataset is not None:
        write_data_summary(run.data_path, {"train": dataset, "val": dataset}, (300, 300))
    return run


def evaluate_badly(out: Path, dataset: DetectionDataset) -> None:
    """What eval writes, from detections that are partly right."""
    rng = np.random.default_rng(0)
    out.mkdir(exist_ok=True)
    findings, evaluator = Findings(dataset.classes), CocoEvaluator(dataset.to_coco())
    for sample in dataset.samples:
        boxes = np.concatenate((sample.boxes, sample.boxes + 40))[rng.random(2 * len(sample.boxes)) < 0.7]
        labels = rng.integers(0, 3, len(boxes))
        found = Detections(boxes, rng.uniform(0.1, 0.9, len(boxes)), labels)
        findings.update(sample, found)
        evaluator.update(sample.id, found, dataset.category_ids)
    about = {"data": str(dataset.source), "checkpoint": "best.ckpt", **write_findings(out, findings)}
    write_metrics(out, evaluator.compute(), about, findings)
