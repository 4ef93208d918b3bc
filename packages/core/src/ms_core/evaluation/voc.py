"""PASCAL VOC's average precision at IoU 0.5, by the rule of VOC2010 and later or by that of VOC2007."""

from collections import defaultdict
from typing import Any, Literal

import numpy as np

from ms_core.detection.boxes import box_iou, xywh_to_xyxy
from ms_core.evaluation.ground_truth import GroundTruth

Rule = Literal["area", "11-point"]
"""area: under the whole precision envelope (VOC2010 and later); 11-point: mean of the envelope at recall 0, 0.1 ... 1
(VOC2007, by which numbers of its test set are published)."""


def voc_average_precision(
    truth: GroundTruth, found: np.ndarray, iou_threshold: float = 0.5, rule: Rule = "area"
) -> dict[int, float]:
    """AP of every category by the rules of the VOC development kit.

    A detection belongs to the object it overlaps most: the first with enough overlap is right, a second one
    is wrong, and one on a difficult (or crowd) object does not count. Boxes are measured without VOC's extra
    pixel, as in COCO.

    Args:
        truth: the images that count, all ids below 2^53 (`GroundTruth.numbered`).
        found: float64 [n, 7] as (image id, x, y, width, height, score, category id).
        iou_threshold: overlap that makes a detection right, inclusive.
        rule: what is made of precision and recall.

    Returns:
        category id -> AP, -1 for a category without objects.
    """
    objects: dict[int, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for annotation in truth.annotations:
        objects[annotation["category_id"]][annotation["image_id"]].append(annotation)
    return {
        category: _class_average_precision(
            objects[category], found[found[:, 6] == category], iou_threshold, rule
        )
        for category in truth.category_ids
    }


def average_precision(right: np.ndarray, objects: int, rule: Rule = "area") -> float:
    """Precision over recall in one number, 0-1, precision made monotonic; -1 without objects.

    Args:
        right: bool [n], detections, best first.
        objects: how many there are to find.
        rule: see `Rule`.
    """
    if not objects:
        return -1.0
    hits = np.cumsum(right)
    recall = hits / objects
    precision = hits / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if rule == "area":
        return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    reached = np.searchsorted(recall, np.arange(11) / 10 - 1e-12)  # first place with at least this recall
    return float(np.append(envelope, 0.0)[reached].mean())


def _class_average_precision(
    objects: dict[int, list[dict[str, Any]]], found: np.ndarray, iou_threshold: float, rule: Rule
) -> float:
    boxes = {
        image: xywh_to_xyxy(np.array([a["bbox"] for a in entries])) for image, entries in objects.items()
    }
    excused = {
        image: [bool(a["difficult"] or a["iscrowd"]) for a in entries] for image, entries in objects.items()
    }
    taken = {image: [False] * len(entries) for image, entries in objects.items()}
    right = []
    for row in found[np.argsort(-found[:, 5], kind="stable")]:
        image = int(row[0])
        if image not in boxes:
            right.append(False)
            continue
        overlap = box_iou(xywh_to_xyxy(row[None, 1:5]), boxes[image])[0]
        best = int(overlap.argmax())
        if overlap[best] < iou_threshold:
            right.append(False)
        elif not excused[image][best]:
            right.append(not taken[image][best])
            taken[image][best] = True
    counted = sum(not excuse for entries in excused.values() for excuse in entries)
    return average_precision(np.array(right, bool), counted, rule)
