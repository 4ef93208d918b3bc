"""Boxes as offsets from reference boxes, and back, as functions for graphs (Faster R-CNN, arXiv 1506.01497).

Offsets are (dx, dy, dw, dh): the move of the centre in widths and heights of the reference box, and the logarithms of
the growth, all times `weights`.
"""

from __future__ import annotations

import math

from mindspore import Tensor, ops

RPN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
"""Factors on offsets from anchors."""
ROI_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""Factors on offsets from proposals."""
LARGEST_GROWTH = math.log(1000.0 / 16.0)
"""Of a width or a height in `decode`, as a logarithm; keeps boxes of an untrained network finite."""


def encode(references: Tensor, boxes: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """The offsets that turn every reference box into its box.

    Args:
        references: [..., 4] as x0 y0 x1 y1; an empty one gives numbers that are not finite.
        boxes: [..., 4], likewise.
        weights: `RPN_WEIGHTS` or `ROI_WEIGHTS`.

    Returns:
        [..., 4] as (dx, dy, dw, dh).
    """
    x, y, width, height = _centres(references)
    to_x, to_y, to_width, to_height = _centres(boxes)
    dx = weights[0] * (to_x - x) / width
    dy = weights[1] * (to_y - y) / height
    dw = weights[2] * ops.log(to_width / width)
    dh = weights[3] * ops.log(to_height / height)
    return ops.stack((dx, dy, dw, dh), -1)


def decode(references: Tensor, deltas: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """Invert `encode`, with growth limited to 62.5 times; nothing is clipped.

    Args:
        references: [..., 4] as x0 y0 x1 y1; of shapes that broadcast with `deltas`.
        deltas: [..., 4] as (dx, dy, dw, dh).
        weights: `RPN_WEIGHTS` or `ROI_WEIGHTS`.

    Returns:
        [..., 4] as x0 y0 x1 y1.
    """
    x, y, width, height = _centres(references)
    x = deltas[..., 0] / weights[0] * width + x
    y = deltas[..., 1] / weights[1] * height + y
    width = ops.exp(_limited(deltas[..., 2] / weights[2])) * width
    height = ops.exp(_limited(deltas[..., 3] / weights[3])) * height
    return ops.stack((x - 0.5 * width, y - 0.5 * height, x + 0.5 * width, y + 0.5 * height), -1)


def clip(boxes: Tensor, size: Tensor) -> Tensor:
    """Move corners that lie outside a picture to its border.

    Args:
        boxes: [..., 4] as x0 y0 x1 y1, pixels.
        size: float32 [2], height and width of the picture, pixels.

    Returns:
        [..., 4] within 0..width and 0..height.
    """
    high = ops.stack((size[1], size[0], size[1], size[0]))
    # Of equal shapes: `minimum` and `maximum` that broadcast take 30 times as long on a CPU.
    return ops.minimum(ops.relu(boxes), ops.broadcast_to(high, boxes.shape))


def _centres(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(x, y, width, height) of boxes [..., 4]; x and y of the centre."""
    width = boxes[..., 2] - boxes[..., 0]
    height = boxes[..., 3] - boxes[..., 1]
    return boxes[..., 0] + 0.5 * width, boxes[..., 1] + 0.5 * height, width, height


def _limited(growth: Tensor) -> Tensor:
    return ops.minimum(growth, ops.full_like(growth, LARGEST_GROWTH))
