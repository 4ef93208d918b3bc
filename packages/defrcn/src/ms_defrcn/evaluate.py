"""Evaluation of a detector on a data set: streaming, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco import CocoMetrics
from ms_core.evaluation.found import Found, measure_found

from ms_defrcn.config import EvalConfig

if TYPE_CHECKING:  # imports MindSpore and mmcv, which takes seconds
    from ms_defrcn.detector import Detector


def evaluate(
    detector: Detector,
    dataset: DetectionDataset,
    config: EvalConfig,
    *,
    workers: int = 2,
    track: Callable[[Iterable[Found], int], Iterable[Found]] = lambda found, total: found,
    keep: Callable[[Sample, Detections], None] = lambda sample, detections: None,
) -> CocoMetrics:
    """COCO metrics of `detector` on `dataset`, whose classes are the detector's.

    Args:
        workers: threads that read pictures.
        track: passes on what it is given, e.g. to show progress; its second argument is the number of images.
        keep: called with every sample and its detections, e.g. to write them to a file.

    Raises:
        UserError: no images, or a damaged or missing one.
    """
    from ms_defrcn.detector import detect_all

    found = detect_all(detector, dataset.samples, workers=workers, encoded=dataset.encoded)
    return measure_as_configured(track(found, len(dataset)), dataset, config, keep)


def measure_as_configured(
    found: Iterable[Found],
    dataset: DetectionDataset,
    config: EvalConfig,
    keep: Callable[[Sample, Detections], None],
) -> CocoMetrics:
    """`measure_found` with the engine and the VOC metrics that a configuration names."""
    return measure_found(
        found,
        dataset,
        engine=config.engine,
        voc_ap50=config.voc_ap50,
        voc_rule=config.voc_rule,
        keep=keep,
    )
