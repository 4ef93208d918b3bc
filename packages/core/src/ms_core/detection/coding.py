"""Boxes as offsets from default boxes, and back (SSD paper, section 2.2)."""

import numpy as np

from ms_core.detection.boxes import centre_to_corners, corners_to_centre

MIN_SIZE_RATIO = 1e-6
"""Smallest box size over anchor size that is encoded; keeps the logarithm of an empty box finite."""


def encode_boxes(
    boxes: np.ndarray, anchors: np.ndarray, variance: tuple[float, float] = (0.1, 0.2)
) -> np.ndarray:
    """Offsets that turn every anchor into its box.

    Args:
        boxes: [..., N, 4] as (ymin, xmin, ymax, xmax), relative to the image (0-1).
        anchors: [N, 4] as (cy, cx, h, w), relative to the image.
        variance: scale of centre and size terms; larger means smaller targets.

    Returns:
        [..., N, 4] as (dy, dx, dh, dw), unitless. A box of no size gets ln(1e-6) / variance[1].
    """
    box = corners_to_centre(boxes)
    centre = (box[..., :2] - anchors[:, :2]) / (anchors[:, 2:] * variance[0])
    ratio = np.maximum(box[..., 2:] / anchors[:, 2:], MIN_SIZE_RATIO)
    return np.concatenate((centre, np.log(ratio) / variance[1]), axis=-1)


def decode_boxes(
    deltas: np.ndarray, anchors: np.ndarray, variance: tuple[float, float] = (0.1, 0.2)
) -> np.ndarray:
    """Invert `encode_boxes`: decode_boxes(encode_boxes(b, a, v), a, v) == b.

    Args:
        deltas: [..., N, 4] as (dy, dx, dh, dw), unitless.
        anchors: [N, 4] as (cy, cx, h, w), relative to the image (0-1).
        variance: scale of centre and size terms.

    Returns:
        [..., N, 4] as (ymin, xmin, ymax, xmax), relative, not clipped.
    """
    centre = deltas[..., :2] * variance[0] * anchors[:, 2:] + anchors[:, :2]  # [..., N, 2]
    size = np.exp(deltas[..., 2:] * variance[1]) * anchors[:, 2:]
    return centre_to_corners(np.concatenate((centre, size), axis=-1))
