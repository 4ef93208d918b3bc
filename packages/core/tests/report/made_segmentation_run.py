"""The run folder of a segmentation network, with names that would break a careless page."""

import json
from pathlib import Path

import numpy as np
from ms_core.evaluation.semantic import SemanticEvaluator, confusion_matrix
from ms_core.evaluation.semantic_extremes import SemanticExtremes
from ms_core.report.semantic_folder import write_semantic_evaluation
from ms_core.run_folder import RunFolder
from ms_core.segmentation.palette import default_palette

CLASSES = ('<script>alert("1")</script>', "Füßgänger & 'Rad'", "猫", "never seen")
PALETTE = default_palette(4)


def make_segmentation_run(folder: Path, steps: int = 40) -> RunFolder:
    """A run folder that training has just left; 40 steps are all."""
    run = RunFolder(folder)
    settings = "  iterations: 40\n  epochs: 1\n  batch_size: 2\n  best_metric: mIoU\n"
    run.create(f"model:\n  name: segformer_b0\ntrain:\n{settings}")
    for step in range(10, steps + 1, 10):
        common = {"step": step, "epoch": step / 16}
        run.append_metrics({"kind": "train", **common, "loss": 9 / step, "lr": 1e-5 * step})
        run.append_metrics({"kind": "evaluation", **common, "mIoU": step / 80, "mAcc": 0.6, "aAcc": 0.7})
    counts = {"images": 300, "counted": 200, "sizes": [[64, 48, 199], [48, 64, 1]], "pixels": 10_000}
    classes = {
        "ignored_pixels": 1000,
        "class_pixels": [6000, 2000, 1000, 0],
        "class_images": [200, 100, 50, 0],
    }
    split = {"source": "<here>", "format": "folders", **counts, **classes, "notes": ["a <note>"]}
    summary = {"classes": CLASSES, "palette": PALETTE.tolist(), "splits": {"train": split, "val": split}}
    run.data_path.write_text(json.dumps(summary), encoding="utf-8")
    return run


def evaluate_maps(out: Path, images: int = 6, classes: tuple[str, ...] = CLASSES) -> SemanticEvaluator:
    """What eval writes, from maps of which the later ones are the worse ones; the last class never occurs."""
    rng = np.random.default_rng(0)
    out.mkdir(exist_ok=True)
    count = len(classes)
    evaluator, extremes = SemanticEvaluator(classes), SemanticExtremes(3)
    for number in range(images):
        picture = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
        truth = np.repeat(np.arange(64) * (count - 1) // 64, 48).reshape(64, 48).T.astype(np.uint8)
        prediction = np.roll(truth, number, axis=1)
        truth = np.where(np.arange(48)[:, None] < 4, 255, truth).astype(np.uint8)
        own = confusion_matrix(prediction, truth, count)
        evaluator.add(own)
        extremes.update(f"<{number}>.png", own, prediction, lambda p=picture, t=truth: (p, t))
    about = {"data": "street & co", "checkpoint": "best.ckpt", "inference": "windows of 64"}
    write_semantic_evaluation(out, evaluator.compute(), about, extremes, default_palette(count))
    return evaluator
