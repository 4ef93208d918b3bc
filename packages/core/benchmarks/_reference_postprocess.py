"""The old zoo's post-processing, written anew in plain NumPy from its description: what ours is measured against.

Class by class: candidates above the score limit, their boxes in pixels, then one box at a time in descending score
until the class is full. Its detections are the standard; its speed is what users had.
"""

from __future__ import annotations

import numpy as np
from ms_core.detection.detections import Detections


def reference_postprocess(
    boxes: np.ndarray,
    scores: np.ndarray,
    width: int,
    height: int,
    *,
    min_score: float = 0.1,
    iou_threshold: float = 0.6,
    max_per_class: int = 100,
) -> Detections:
    """Raw outputs of one picture to detections.

    Args:
        boxes: float32 [N, 4] as (y0, x0, y1, x1), relative to the picture.
        scores: float32 [N, K], 0-1, the background in column 0.
        width, height: of the picture, pixels.

    Returns:
        Detections, class after class.
    """
    scale = np.array([height, width, height, width], np.float32)
    found_boxes, found_scores, found_labels = [np.zeros((0, 4))], [np.zeros(0)], [np.zeros(0)]
    for column in range(1, scores.shape[1]):
        candidates = scores[:, column] > min_score
        if not candidates.any():
            continue
        class_scores = scores[candidates, column]
        class_boxes = boxes[candidates] * scale
        kept = reference_nms(class_boxes, class_scores, iou_threshold, max_per_class)
        found_boxes.append(class_boxes[kept][:, [1, 0, 3, 2]])
        found_scores.append(class_scores[kept])
        found_labels.append(np.full(len(kept), column - 1))
    return Detections(np.concatenate(found_boxes), np.concatenate(found_scores), np.concatenate(found_labels))


def reference_nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float, most: int) -> list[int]:
    """Greedy suppression of one class: boxes [n, 4] yxyx in pixels, scores [n]; sides count one pixel more."""
    y0, x0, y1, x1 = boxes.T
    areas = (x1 - x0 + 1) * (y1 - y0 + 1)
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(int(best))
        shared_height = np.maximum(np.minimum(y1[best], y1[order]) - np.maximum(y0[best], y0[order]) + 1, 0)
        shared_width = np.maximum(np.minimum(x1[best], x1[order]) - np.maximum(x0[best], x0[order]) + 1, 0)
        shared = shared_height * shared_width
        order = order[shared / (areas[best] + areas[order] - shared) <= iou_threshold]
    return kept
