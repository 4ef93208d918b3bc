"""Which detection found which object, in one image."""

from dataclasses import dataclass

import numpy as np

from ms_core.data.sample import Sample
from ms_core.detection.boxes import box_areas, box_iou, intersections
from ms_core.detection.detections import Detections


@dataclass(frozen=True, eq=False)
class ImageMatch:
    """Detections of one image against its objects.

    Detections are matched best score first, so the pairs of those above any score are among these pairs: one match
    answers for every score threshold.
    """

    scores: np.ndarray
    """float32 [n], of the detections."""
    object_of: np.ndarray
    """int64 [n], the object that each detection found; -1 for none."""
    iou: np.ndarray
    """float32 [n], overlap with it, 0 for none."""
    ignored: np.ndarray
    """bool [n], detections on a crowd or on an object marked difficult: neither right nor wrong."""
    counted: np.ndarray
    """bool [g], the objects that are to be found: no crowd, not difficult."""

    @property
    def hits(self) -> np.ndarray:
        """bool [n], detections that found an object."""
        return self.object_of >= 0

    @property
    def false_alarms(self) -> np.ndarray:
        """bool [n], detections where there is no such object, or one that a better detection found."""
        return ~self.hits & ~self.ignored

    def found(self, min_score: float) -> np.ndarray:
        """bool [g], objects found by a detection with a greater score."""
        found = np.zeros(len(self.counted), bool)
        found[self.object_of[self.hits & (self.scores > min_score)]] = True
        return found

    def above(self, min_score: float) -> "ImageMatch":
        """The match of the detections with a greater score alone."""
        chosen = self.scores > min_score
        return ImageMatch(
            self.scores[chosen], self.object_of[chosen], self.iou[chosen], self.ignored[chosen], self.counted
        )


def match_image(sample: Sample, detections: Detections, iou_threshold: float = 0.5) -> ImageMatch:
    """Match as COCO does: best score first, each with the object of its class that it overlaps most.

    Args:
        sample: the annotated image.
        detections: in its pixels.
        iou_threshold: least overlap of a pair, 0-1. For a crowd box it is the share of the detection inside it.
    """
    counted = ~(sample.crowd | sample.difficult)
    overlap = box_iou(detections.boxes, sample.boxes)  # [n, g]
    overlap *= detections.labels[:, None] == sample.labels[None, :]
    object_of = _pairs(np.where(counted, overlap, 0), detections.scores, iou_threshold)
    hits = object_of >= 0
    iou = np.zeros(len(detections), np.float32)
    iou[hits] = overlap[hits, object_of[hits]]
    ignored = ~hits & _on_ignored(sample, detections, overlap, iou_threshold)
    return ImageMatch(detections.scores, object_of, iou, ignored, counted)


def _pairs(overlap: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """int64 [n], the object of each detection; overlap [n, g] is used up on the way."""
    object_of = np.full(len(scores), -1, np.int64)
    candidates = np.flatnonzero((overlap >= threshold).any(axis=1))
    for detection in candidates[np.argsort(-scores[candidates], kind="stable")].tolist():
        best = int(overlap[detection].argmax())
        if overlap[detection, best] >= threshold:
            object_of[detection] = best
            overlap[:, best] = 0
    return object_of


def _on_ignored(sample: Sample, detections: Detections, overlap: np.ndarray, threshold: float) -> np.ndarray:
    """bool [n], detections on a difficult object or inside a crowd of their class."""
    on_difficult = (overlap[:, sample.difficult] >= threshold).any(axis=1)
    if not sample.crowd.any():
        return on_difficult
    inside = intersections(detections.boxes, sample.boxes[sample.crowd])  # [n, crowds]
    inside /= np.maximum(box_areas(detections.boxes), np.finfo(np.float32).tiny)[:, None]
    inside *= detections.labels[:, None] == sample.labels[sample.crowd][None, :]
    return on_difficult | (inside >= threshold).any(axis=1)
