"""Box conventions and overlaps. Functions of corners take xyxy and yxyx alike, or say so."""

import numpy as np

_SMALLEST = np.finfo(np.float32).tiny
"""In place of an empty union; exact in float32 and float64."""


def swap_xy(boxes: np.ndarray) -> np.ndarray:
    """(x0, y0, x1, y1) to (y0, x0, y1, x1) and back; [..., 4]."""
    return boxes[..., [1, 0, 3, 2]]


def xyxy_to_xywh(boxes: np.ndarray) -> np.ndarray:
    """Corners to COCO's (x, y, width, height) with (x, y) the top left corner; [..., 4]."""
    return np.concatenate((boxes[..., :2], boxes[..., 2:] - boxes[..., :2]), axis=-1)


def xywh_to_xyxy(boxes: np.ndarray) -> np.ndarray:
    """Invert `xyxy_to_xywh`; [..., 4]."""
    return np.concatenate((boxes[..., :2], boxes[..., :2] + boxes[..., 2:]), axis=-1)


def corners_to_centre(boxes: np.ndarray) -> np.ndarray:
    """(y0, x0, y1, x1) to (cy, cx, h, w); [..., 4]."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return np.concatenate(((low + high) / 2, high - low), axis=-1)


def centre_to_corners(boxes: np.ndarray) -> np.ndarray:
    """(cy, cx, h, w) to (y0, x0, y1, x1); [..., 4]."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate((centre - half, centre + half), axis=-1)


def relative_to_pixels(boxes_tlbr: np.ndarray, width: int, height: int) -> np.ndarray:
    """(y0, x0, y1, x1) relative to the image (0-1) to (x0, y0, x1, y1) in its pixels, float32 [n, 4]."""
    return swap_xy(boxes_tlbr) * np.array([width, height, width, height], np.float32)


def pixels_to_relative(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """Invert `relative_to_pixels`: (x0, y0, x1, y1) pixels to relative (y0, x0, y1, x1), float32 [n, 4]."""
    return swap_xy(boxes / np.array([width, height, width, height], np.float32))


def box_areas(boxes: np.ndarray, plus_one: bool = False) -> np.ndarray:
    """Areas of corner boxes [..., 4]; `plus_one` counts both border pixels, as VOC does."""
    extra = 1 if plus_one else 0
    return (boxes[..., 2] - boxes[..., 0] + extra) * (boxes[..., 3] - boxes[..., 1] + extra)


def intersections(first: np.ndarray, second: np.ndarray, plus_one: bool = False) -> np.ndarray:
    """Shared area of every pair of corner boxes: [n, 4], [m, 4] -> [n, m]."""
    first, second = (
        np.asfortranarray(first).T,
        np.asfortranarray(second).T,
    )  # rows of coordinates: quick to walk
    sides = np.minimum(first[2:, :, None], second[2:, None, :])  # [2, n, m]
    sides -= np.maximum(first[:2, :, None], second[:2, None, :])
    if plus_one:
        sides += 1
    np.maximum(sides, 0, out=sides)
    return np.multiply(sides[0], sides[1], out=sides[0])


def box_iou(first: np.ndarray, second: np.ndarray, plus_one: bool = False) -> np.ndarray:
    """Intersection over union of every pair of corner boxes; 0 where both are empty.

    Args:
        first: [n, 4].
        second: [m, 4].
        plus_one: count both border pixels (x1 - x0 + 1), as VOC and the old SSD code do.

    Returns:
        [n, m], 0-1.
    """
    inter = intersections(first, second, plus_one)
    areas = box_areas(first, plus_one)
    others = areas if second is first else box_areas(second, plus_one)
    union = areas[:, None] + others[None, :]
    union -= inter
    return np.divide(inter, np.maximum(union, _SMALLEST, out=union), out=inter)
