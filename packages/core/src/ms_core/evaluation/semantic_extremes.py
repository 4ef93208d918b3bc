"""The images that a segmentation network does best and worst on, found in one pass with bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ms_core.evaluation.best_and_worst import BestAndWorst

Load = Callable[[], tuple[np.ndarray, np.ndarray]]
"""Reads (image uint8 [H, W, 3] RGB, truth uint8 [h, w])."""


@dataclass(frozen=True)
class SegmentationScore:
    """How well one image was done."""

    miou: float
    """Mean IoU of the classes that are annotated in the image, 0-1."""
    pixel_accuracy: float
    """Share of the annotated pixels that are right, 0-1."""

    @property
    def rank(self) -> tuple[float, float]:
        """Greater is better: mean IoU, then pixel accuracy."""
        return self.miou, self.pixel_accuracy


def score_confusion(confusion: np.ndarray) -> SegmentationScore | None:
    """The score of one image.

    Args:
        confusion: int [K, K], pixels of annotated class (row) and predicted class (column).

    Returns:
        None where no pixel counts: there is nothing to judge.
    """
    annotated, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    total = int(annotated.sum())
    if not total:
        return None
    right, present = np.diagonal(confusion), annotated > 0
    iou = right[present] / (annotated + predicted - right)[present]
    return SegmentationScore(float(iou.mean()), float(right.sum() / total))


@dataclass(frozen=True, eq=False)
class JudgedMap:
    """An image among the best or the worst."""

    name: str
    score: SegmentationScore
    png: np.ndarray
    """The predicted classes as a PNG file, uint8 [n]."""
    load: Load

    def read(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(image uint8 [H, W, 3] RGB, truth uint8 [h, w], prediction uint8 [h, w])."""
        return (*self.load(), cv2.imdecode(self.png, cv2.IMREAD_GRAYSCALE))


class SemanticExtremes:
    """Keeps the `count` best and worst images: their predictions as PNG, and how to read the rest again.

    Args:
        count: images on either side.
    """

    def __init__(self, count: int = 6) -> None:
        self._images: BestAndWorst[JudgedMap] = BestAndWorst(count)

    def update(self, name: str, confusion: np.ndarray, prediction: np.ndarray, load: Load) -> None:
        """Take one image; it is left out where no pixel of it is annotated.

        Args:
            name: what a reader knows the image by.
            confusion: int [K, K] of this image alone; rows annotated, columns predicted.
            prediction: uint8 [h, w], class ids; not kept itself.
            load: reads the image and its truth, of the prediction's size, when the pictures are drawn.
        """
        score = score_confusion(confusion)
        if score is not None:
            self._images.update(score.rank, lambda: JudgedMap(name, score, _png(prediction), load))

    def best(self) -> list[JudgedMap]:
        """The best first; no image is among the best and the worst."""
        return self._images.best()

    def worst(self) -> list[JudgedMap]:
        """The worst first."""
        return self._images.worst()


def _png(labels: np.ndarray) -> np.ndarray:
    done, content = cv2.imencode(".png", labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done, "an 8-bit map can always be written as PNG"
    return content
