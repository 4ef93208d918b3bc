"""Detections as entries of a COCO result file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ms_core.detection.detections import Detections


def coco_results(image_id: int, detections: Detections, category_ids: Sequence[int]) -> Iterator[dict]:
    """Detections of one image as entries of a COCO result file: bbox [x, y, width, height] in pixels."""
    for box, score, label in zip(detections.boxes, detections.scores, detections.labels, strict=True):
        x0, y0, x1, y1 = (round(float(v), 2) for v in box)
        yield {
            "image_id": image_id,
            "category_id": int(category_ids[int(label)]),
            "bbox": [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)],
            "score": round(float(score), 5),
        }
