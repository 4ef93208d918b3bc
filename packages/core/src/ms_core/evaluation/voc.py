"""PASCAL VOC's average precision (VOC2010 and later: area under the whole precision envelope) at IoU 0.5."""

from collections import defaultdict
from typing import Any

import numpy as np

from ms_core.detection.boxes import box_iou, xywh_to_xyxy
from ms_core.evaluation.ground_truth import GroundTruth


def voc_average_precision(
    truth: GroundTruth, found: np.ndarray, iou_threshold: float = 0.5
) -> dict[int, float]:
    """AP of every category by the rules of the VOC development kit.

    A detection belongs to the object it overlaps most: the first with enough overlap is right, a second one
    is wrong, and one on a difficult (or crowd) object does not count. Boxes are measured without VOC's extra
    pixel, as in COCO.

    Args:
        truth: the images that count, all ids below 2^53 (`GroundTruth.numbered`).
        found: float64 [n, 7] as (image id, x, y, width, height, score, category id).
        iou_threshold: overlap that makes a detection right, inclusive.

    Returns:
        category id -> AP, -1 for a category without objects.
    """
    objects: dict[int, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for annotation in truth.annotations:
        objects[annotation["category_id"]][annotation["image_id"]].append(annotation)
    return {
        category: _class_average_precision(objects[category], found[found[:, 6] == category], iou_threshold)
        for category in truth.category_ids
    }


def area_under_envelope(right: np.ndarray, objects: int) -> float:
    """Area under precision over recall, precision made monotonic: bool [n] best first, number of objects."""
    if not objects:
        return -1.0
    hits = np.cumsum(right)
    recall = np.concatenate(([0.0], hits / objects))
    precision = hits / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope))


def _class_average_precision(
    objects: dict[int, list[dict[str, Any]]], found: np.ndarray, iou_threshold: float
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
    return area_under_envelope(np.array(right, bool), counted)
