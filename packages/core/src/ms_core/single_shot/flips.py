"""Looking at the mirrored picture as well.

The raw boxes of both passes go into one suppression, as is usual (Detectron2, MMDetection and YOLO do it so).
Averaging the outputs of mirrored anchors would need grids that are symmetric to the picture's centre; that of ssd300
(19 cells of 16 pixels on 300) is not.
"""

from __future__ import annotations

import numpy as np


def mirror_pixels(pixels: np.ndarray) -> np.ndarray:
    """A picture as the network takes it, [..., W], left to right."""
    return pixels[..., ::-1]


def mirror_boxes(boxes: np.ndarray) -> np.ndarray:
    """Boxes [N, 4] (y0, x0, y1, x1), relative, found in a mirrored picture, back in the picture itself."""
    return np.stack((boxes[:, 0], 1 - boxes[:, 3], boxes[:, 2], 1 - boxes[:, 1]), axis=1)
