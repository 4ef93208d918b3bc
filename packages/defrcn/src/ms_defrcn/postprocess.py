"""From what the network returns for one picture to its detections, on the host."""

from __future__ import annotations

import numpy as np
from ms_core.detection.detections import Detections
from ms_core.detection.nms import merge_detections

from ms_defrcn.config import PostprocessConfig


def postprocess(
    boxes: np.ndarray,
    scores: np.ndarray,
    valid: np.ndarray,
    *,
    scale: float | tuple[float, float] = 1.0,
    size: tuple[int, int],
    config: PostprocessConfig | None = None,
) -> Detections:
    """Detections of one picture in its own pixels, best score first (detectron2's order of steps).

    Suppression happens in pixels of the network's input; then boxes are scaled and clipped to the picture. Boxes left
    without an area are dropped, and so are regions with numbers that are not finite.

    Args:
        boxes: float32 [R, K, 4] as x0 y0 x1 y1, pixels of the network's input, clipped to the picture in it.
        scores: float32 [R, K + 1], 0-1, background last.
        valid: bool [R].
        scale: pixels of the network's input to a pixel of the picture; (across, down) where sides were rounded.
        size: height and width of the picture, pixels.
        config: thresholds.
    """
    config = config or PostprocessConfig()
    usable = valid & np.isfinite(scores).all(axis=1) & np.isfinite(boxes).all(axis=(1, 2))
    wanted = (scores[:, :-1] > np.float32(config.min_score)) & usable[:, None]
    rows, classes = np.nonzero(wanted)
    found = merge_detections(
        Detections(boxes[rows, classes], scores[rows, classes], classes),
        iou_threshold=config.nms_threshold,
        max_per_class=config.max_detections,
        max_detections=config.max_detections,
    )
    return _scaled(found, scale, size)


def _scaled(found: Detections, scale: float | tuple[float, float], size: tuple[int, int]) -> Detections:
    """Boxes in pixels of the picture and within it; those without an area are dropped."""
    across, down = scale if isinstance(scale, tuple) else (scale, scale)
    height, width = size
    boxes = found.boxes / np.array([across, down, across, down], np.float32)
    boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
    solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return Detections(boxes, found.scores, found.labels).select(solid)
