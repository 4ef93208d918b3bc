"""Evaluation of a detector on a data set: streaming, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco import CocoMetrics
from ms_core.evaluation.found import Found, measure_found
from ms_core.single_shot.config import EvalConfig
from ms_core.single_shot.views import PictureDetector, detect_all


def evaluation_samples(dataset: DetectionDataset, subset: str) -> list[Sample]:
    """The images that count: all of them, or the subset behind the old zoo's published numbers."""
    if subset == "all":
        return list(dataset.samples)
    return [s for s in dataset.samples if len(s.boxes) and not s.crowd.any()]


def evaluate(
    detector: PictureDetector,
    dataset: DetectionDataset,
    config: EvalConfig,
    *,
    workers: int = 2,
    track: Callable[[Iterable[Found], int], Iterable[Found]] = lambda found, total: found,
    keep: Callable[[Sample, Detections], None] = lambda sample, detections: None,
) -> CocoMetrics:
    """COCO metrics of `detector` on `dataset`.

    Args:
        track: passes on what it is given, e.g. to show progress; its second argument is the number of images.
        keep: called with every sample and its detections, e.g. to write them to a file.
    """
    samples = evaluation_samples(dataset, config.subset)
    found = detect_all(detector, samples, workers=workers, encoded=dataset.encoded)
    return measure_found(
        track(found, len(samples)), dataset, engine=config.engine, voc_ap50=config.voc_ap50, keep=keep
    )
