"""COCO metrics of detections that come one image after the other, from whatever found them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco import CocoEvaluator, CocoMetrics
from ms_core.evaluation.engines import EngineName
from ms_core.evaluation.voc import Rule

Found = tuple[Sample, Detections]


def measure_found(
    found: Iterable[Found],
    dataset: DetectionDataset,
    *,
    engine: EngineName = "auto",
    voc_ap50: bool = False,
    voc_rule: Rule = "area",
    keep: Callable[[Sample, Detections], None] = lambda sample, detections: None,
) -> CocoMetrics:
    """Metrics over the images that `found` names; the other images of the data set do not count.

    Args:
        found: samples of `dataset` and what was found in them, looked at one by one.
        dataset: the truth.
        engine, voc_ap50, voc_rule: see `CocoEvaluator`.
        keep: called with every sample and its detections, e.g. to write them to a file.

    Raises:
        UserError: no image, or one comes twice.
    """
    evaluator = CocoEvaluator(dataset.to_coco(), engine=engine, voc_ap50=voc_ap50, voc_rule=voc_rule)
    for sample, detections in found:
        evaluator.update(sample.id, detections, dataset.category_ids)
        keep(sample, detections)
    return evaluator.compute()
