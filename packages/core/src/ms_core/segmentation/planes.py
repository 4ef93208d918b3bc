"""Class maps from logits, class by class.

The logits of a 1024x2048 picture with 19 classes take 160 MB at full size. A plane, the values of one class for all
pixels, takes 8 MB, and OpenCV enlarges it in two milliseconds; what is needed of it is then the maximum so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

Planes = Callable[[], Iterator[np.ndarray]]
"""Gives the planes float32 [H, W] of all classes in order, each time it is called; one may be written over when the
next one is asked for."""


def enlarge(plane: np.ndarray, size: tuple[int, int], out: np.ndarray | None = None) -> np.ndarray:
    """float32 [h, w] at `size` = (height, width), bilinear on half-pixel centres (PyTorch's `align_corners=False`)."""
    if plane.shape == size and out is None:
        return plane
    return cv2.resize(plane, (size[1], size[0]), dst=out, interpolation=cv2.INTER_LINEAR)


def whole_planes(logits: np.ndarray, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Planes at `size` = (height, width) of logits float32 [K, h, w]."""
    out = np.empty(size, np.float32)
    for plane in logits:
        yield enlarge(plane, size, out)


def largest(planes: Iterator[np.ndarray]) -> np.ndarray:
    """Class with the largest value for every pixel, uint8 [H, W]; of equals the first, as np.argmax."""
    best = next(planes).copy()
    classes = np.zeros(best.shape, np.uint8)
    larger = np.empty(best.shape, np.uint8)
    for label, plane in enumerate(planes, start=1):
        cv2.compare(plane, best, cv2.CMP_GT, dst=larger)  # 255 where it is, else 0
        cv2.max(plane, best, dst=best)
        np.bitwise_and(larger, np.uint8(label), out=larger)
        cv2.max(classes, larger, dst=classes)  # labels rise, so the newest is the largest
    return classes


def add_probabilities(planes: Planes, total: np.ndarray) -> None:
    """Add the softmax of logits, given as planes, to float32 [K, H, W]."""
    top = np.full(total.shape[1:], -np.inf, np.float32)
    for plane in planes():
        cv2.max(top, plane, dst=top)
    norm = np.zeros_like(top)
    for plane in planes():
        norm += _exp(plane, top)
    for place, plane in enumerate(planes()):
        total[place] += _exp(plane, top) / norm


def _exp(plane: np.ndarray, top: np.ndarray) -> np.ndarray:
    """exp(plane - top), a new array."""
    values = plane - top
    return np.exp(values, out=values)
