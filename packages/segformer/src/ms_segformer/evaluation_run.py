"""`eval`: a trained network against masks; metrics.json and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from ms_core import device
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.evaluation.semantic import SemanticMetrics
from ms_core.evaluation.semantic_extremes import SemanticExtremes
from ms_core.report.semantic_folder import write_semantic_evaluation
from ms_core.run_target import evaluation_folder_of, rewrite_report
from ms_core.segmentation.open import Split, open_split
from ms_core.segmentation.sample import SegmentationDataset
from ms_core.train.config import check_workers
from rich.progress import track

from ms_segformer.config import EvalConfig, InferenceConfig, SegFormerConfig
from ms_segformer.evaluate import EvaluatedImage, evaluate, evaluated_pair

if TYPE_CHECKING:  # imports mmcv, which takes a second or more
    from ms_segformer.picture_segmenter import PictureSegmenter

Item = TypeVar("Item")


def evaluate_target(target: Path, config: SegFormerConfig, split: Split, out: Path | None) -> SemanticMetrics:
    """Evaluate a run folder or checkpoint; prints IoU and accuracy of every class and `mIoU: 0.xxx`.

    Writes what `report.semantic_folder` lists into `out`, by default the `run_target.evaluation_folder_of` the target;
    the report.html of its run then tells of it.

    Raises:
        UserError: no such checkpoint, no or faulty data, a class that the network does not know, or train.workers
            below 1.
    """
    check_workers(config.train)
    from ms_segformer.segmenter import Segmenter
    from ms_segformer.trained import load_trained

    runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    keep_compiled_graphs(config.compile_cache, runtime, print)
    model = load_trained(target, config)
    dataset = open_split(config.data, split, model.classes)
    out = out or evaluation_folder_of(target, split)
    segmenter = Segmenter(model.network, config.inference, print)
    about = {"checkpoint": str(model.checkpoint), "model": model.name}
    metrics = evaluate_segmenter(segmenter, dataset, config, model.palette, out, about)
    rewrite_report(target, out)
    return metrics


def evaluate_segmenter(
    segmenter: PictureSegmenter,
    dataset: SegmentationDataset,
    config: SegFormerConfig,
    palette: np.ndarray,
    out: Path,
    about: Mapping[str, str],
) -> SemanticMetrics:
    """Measure and print; write what `report.semantic_folder` lists.

    Args:
        palette: uint8 [K, 3] RGB.
        out: folder, made where it is missing.
        about: further entries of metrics.json, the first of which names what is measured.
    """
    out.mkdir(parents=True, exist_ok=True)
    extremes = SemanticExtremes()
    started = time.monotonic()
    metrics = evaluate(
        segmenter,
        dataset,
        config.eval,
        workers=config.train.workers,
        track=_bar,
        keep=partial(_keep, extremes, dataset),
    )
    for note in dataset.notes:
        print(f"note: {note}")
    words = about.get("inference") or inference_in_words(config.inference, config.eval)
    content = {
        "data": str(dataset.source),
        **about,
        "inference": words,
        "seconds": round(time.monotonic() - started, 1),
    }
    write_semantic_evaluation(out, metrics, content, extremes, palette)
    images = "1 image" if metrics.images == 1 else f"{metrics.images} images"
    print(f"{next(iter(about.values()))}: {images} of {dataset.source}, {words}; results in {out}")
    for line in metrics.lines():
        print(line)
    return metrics


def _keep(extremes: SemanticExtremes, dataset: SegmentationDataset, image: EvaluatedImage) -> None:
    """Take an image for the best and the worst; its picture is read again if it is drawn."""
    height, width = image.prediction.shape
    load = partial(evaluated_pair, dataset, image.index, (height, width))
    extremes.update(image.sample.name, image.confusion, image.prediction, load)


def inference_in_words(inference: InferenceConfig, evaluation: EvalConfig) -> str:
    """How pictures were looked at, such as `whole pictures, fitted into 512x1024, mirrored as well`."""
    words = ["whole pictures"]
    if inference.mode == "slide":
        words = [f"windows of {_size(inference.crop)} every {_size(inference.stride)}"]
    if inference.size is not None:
        words.append(f"fitted into {_size(inference.size)}")
    if inference.scales != (1.0,):
        words.append(f"scales {', '.join(f'{scale:g}' for scale in inference.scales)}")
    if inference.flip:
        words.append("mirrored as well")
    if evaluation.labels == "resized":
        words.append("labels resized")
    return ", ".join(words)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _bar(items: Iterable[Item], total: int) -> Iterable[Item]:
    return track(items, "evaluating", total=total)
