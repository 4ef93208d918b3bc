"""Pictures as networks read them: size, mean and deviation, for training and evaluation alike."""

from __future__ import annotations

import cv2
import numpy as np

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""RGB, of pixels scaled to 0-1."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""RGB, of pixels scaled to 0-1."""

PIXEL_MEAN = (255 * IMAGENET_MEAN[0], 255 * IMAGENET_MEAN[1], 255 * IMAGENET_MEAN[2])
"""RGB, of pixels 0-255."""
PIXEL_STD = (255 * IMAGENET_STD[0], 255 * IMAGENET_STD[1], 255 * IMAGENET_STD[2])
"""RGB, of pixels 0-255."""


def single_thread_opencv() -> None:
    """Keep OpenCV from starting threads of its own; call it where worker threads start.

    With one picture per worker its threads only compete with the other workers. The setting is process-wide,
    so it is no side effect of importing this module.
    """
    cv2.setNumThreads(0)


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W, 3] stretched to `size` = (height, width), bilinear."""
    return cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def look_up(
    image: np.ndarray, table: np.ndarray, *, levels: np.ndarray | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """Replace every value of a picture: only 256 can occur, so this is the fastest way to normalise one.

    Args:
        image: uint8 [H, W, 3].
        table: float32 [3, 256], what each value of each channel becomes.
        levels: uint8 [256], what every value becomes before; None: it stays.
        out: float32 [3, H, W] with gapless rows, written and returned; None: a new array.

    Returns:
        float32 [3, H, W].
    """
    if levels is not None:
        table = table[:, levels]
    planes = np.empty((3, *image.shape[:2]), np.float32) if out is None else out
    for channel, plane in enumerate(cv2.split(image)):
        cv2.LUT(plane, table[channel], dst=planes[channel])
    return planes
