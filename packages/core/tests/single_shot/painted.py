"""A stand-in for a network that finds coloured rectangles exactly, so that what is done around it can be tested."""

import cv2
import numpy as np
from ms_core.data.network_input import IMAGENET_MEAN, IMAGENET_STD

COLOURS = ((230, 20, 20), (20, 230, 20), (20, 20, 230))
"""RGB of the classes."""


def painted(width: int, height: int, *boxes: tuple[int, int, int, int, int]) -> np.ndarray:
    """A grey picture with rectangles (x0, y0, x1, y1, label): uint8 [height, width, 3]."""
    image = np.full((height, width, 3), 128, np.uint8)
    for x0, y0, x1, y1, label in boxes:
        image[y0:y1, x0:x1] = COLOURS[label]
    return image


class RectangleFinder:
    """forward(images [B, 3, H, W]) -> boxes [B, N, 4] yxyx relative, scores [B, N, 4]: each patch of a colour.

    Args:
        smallest: area of a patch below which it is overlooked, pixels of the network's input.
    """

    def __init__(self, most: int = 50, smallest: int = 1) -> None:
        self.most = most
        self.smallest = smallest
        self.calls: list[int] = []

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.calls.append(len(images))
        boxes = np.zeros((len(images), self.most, 4), np.float32)
        scores = np.zeros((len(images), self.most, 1 + len(COLOURS)), np.float32)
        for row, image in enumerate(images):
            for place, (box, label, score) in enumerate(self._patches(image)):
                boxes[row, place], scores[row, place, 1 + label] = box, score
        return boxes, scores

    def _patches(self, image: np.ndarray):
        deviation, mean = (np.array(v, np.float32)[:, None, None] for v in (IMAGENET_STD, IMAGENET_MEAN))
        rgb = (image * deviation + mean) * 255
        height, width = image.shape[1:]
        for label, colour in enumerate(COLOURS):
            mask = (np.abs(rgb - np.array(colour, np.float32)[:, None, None]) < 60).all(axis=0)
            _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
            for x, y, w, h, area in stats[1:].tolist():
                if area >= self.smallest:
                    score = 0.5 + 0.4 * min(area / mask.size, 1)  # more of it in view, more certain
                    yield (y / height, x / width, (y + h) / height, (x + w) / width), label, score
