"""`eval RAW_FOLDER`: metrics from raw outputs of an exported model, as `postprocess.py` of the old zoo computed them.

The programs for Ascend 310 write two files an image: STEM_0.bin, float32 [N, 4] boxes as (y0, x0, y1, x1) relative to
the image, and STEM_1.bin, float32 [N, K] scores with the background first. STEM is the picture's name without its
suffix, or its id in the annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ms_core.data.open import Split, open_split
from ms_core.data.sample import Sample
from ms_core.detection.boxes import relative_to_pixels
from ms_core.detection.detections import Detections
from ms_core.detection.nms import multiclass_nms
from ms_core.errors import UserError
from ms_core.evaluation.coco_metrics import CocoMetrics
from ms_core.single_shot.config import PostprocessConfig, SingleShotConfig

BOXES, SCORES = "_0.bin", "_1.bin"
"""Ends of the names of the two files of an image."""
_FLOAT = np.dtype("<f4")


def is_raw_folder(target: Path) -> bool:
    """Whether a folder holds raw outputs."""
    return target.is_dir() and next(target.glob(f"*{BOXES}"), None) is not None


def score_raw_outputs(folder: Path, config: SingleShotConfig, split: Split, out: Path | None) -> CocoMetrics:
    """Evaluate raw outputs; prints the COCO lines and `mAP: 0.xxx`, writes predictions.json and metrics.json.

    Images without outputs do not count, as in the old zoo; `eval.subset` zoo leaves out those with crowd boxes or
    without any (its `--drop`).

    Args:
        folder: of the *_0.bin and *_1.bin.
        config: names the annotations, the classes in the order of the network, and the post-processing.
        split: val or test.
        out: folder for the results; by default `eval-RAW_FOLDER` beside the raw outputs.

    Raises:
        UserError: no annotations, a file of the wrong size, or one that belongs to no image.
    """
    from ms_core.atomic import JsonListFile, atomic_write
    from ms_core.evaluation.coco import CocoEvaluator
    from ms_core.evaluation.coco_results import coco_results
    from ms_core.report.evaluation_folder import write_metrics
    from ms_core.single_shot.evaluate import evaluation_samples
    from ms_core.single_shot.evaluation_run import print_numbers

    dataset = open_split(config.data, split)
    names = raw_names(folder, dataset.samples)
    kept = {sample.id for sample in evaluation_samples(dataset, config.eval.subset)}
    evaluator = CocoEvaluator(dataset.to_coco(), engine=config.eval.engine, voc_ap50=config.eval.voc_ap50)
    out = out or folder.absolute().parent / f"eval-{folder.name}"
    out.mkdir(parents=True, exist_ok=True)
    wanted = [(name, sample) for name, sample in names.items() if sample.id in kept]
    with atomic_write(out / "predictions.json") as file:
        results = JsonListFile(file)
        for sample, found in raw_detections(folder, wanted, len(dataset.classes) + 1, config.postprocess):
            evaluator.update(sample.id, found, dataset.category_ids)
            for entry in coco_results(sample.id, found, dataset.category_ids):
                results.add(entry)
        results.close()
    metrics = evaluator.compute()
    write_metrics(out, metrics, {"data": str(dataset.source), "raw_outputs": str(folder)})
    print(f"{len(wanted)} of {len(dataset)} images have raw outputs that count")
    print_numbers(metrics, out)
    return metrics


def raw_names(folder: Path, samples: Sequence[Sample]) -> dict[str, Sample]:
    """STEM -> the image it is of, sorted by STEM.

    Raises:
        UserError: no outputs, one file of the two missing, or no image of that name or id.
    """
    by_name = {sample.path.stem: sample for sample in samples}
    by_id = {sample.id: sample for sample in samples}
    names: dict[str, Sample] = {}
    for path in sorted(folder.glob(f"*{BOXES}")):
        stem = path.name.removesuffix(BOXES)
        sample = by_name.get(stem) or (by_id.get(int(stem)) if stem.isascii() and stem.isdigit() else None)
        if sample is None:
            raise UserError(f"{path}: no image is called {stem}, and none has it as id. Check --data.val.")
        if not (folder / f"{stem}{SCORES}").is_file():
            raise UserError(f"{path}: {stem}{SCORES} with the scores is not beside it.")
        names[stem] = sample
    if not names:
        raise UserError(f"{folder}: no raw outputs (*{BOXES}, *{SCORES}) in this folder.")
    return names


def raw_detections(
    folder: Path, names: Iterable[tuple[str, Sample]], num_classes: int, config: PostprocessConfig
) -> Iterator[tuple[Sample, Detections]]:
    """Read and post-process one image after the other; nothing is kept.

    Args:
        folder: of the files.
        names: (STEM, image).
        num_classes: K, background included.
        config: the post-processing.

    Raises:
        UserError: a file that cannot be read, or of the wrong size.
    """
    for stem, sample in names:
        boxes = _read(folder / f"{stem}{BOXES}", 4)
        scores = _read(folder / f"{stem}{SCORES}", num_classes)
        if len(boxes) != len(scores):
            raise UserError(
                f"{folder / stem}{SCORES}: {len(scores)} rows of {num_classes} scores (the classes and the "
                f"background), but {len(boxes)} boxes. Name the network's classes with --data.classes."
            )
        found = multiclass_nms(
            relative_to_pixels(boxes, sample.width, sample.height),
            scores[:, 1:],
            min_score=config.min_score,
            iou_threshold=config.nms_threshold,
            max_per_class=config.max_per_class,
            max_detections=config.max_detections,
            plus_one=config.nms == "zoo",
            class_agnostic=config.class_agnostic,
        )
        yield sample, found


def _read(path: Path, columns: int) -> np.ndarray:
    """float32 [n, columns].

    Raises:
        UserError: cannot be read, empty, or no whole number of rows.
    """
    try:
        values = np.frombuffer(path.read_bytes(), _FLOAT)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UserError(f"{path}: no float32 values: {error}.") from error
    if not len(values) or len(values) % columns:
        raise UserError(
            f"{path}: {len(values)} float32 values are no rows of {columns}. Name the network's classes with "
            "--data.classes."
        )
    return values.reshape(-1, columns)
