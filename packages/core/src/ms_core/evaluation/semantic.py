"""Evaluation of segmentation: a confusion matrix of pixels, image by image, and the numbers that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from ms_core.errors import UserError
from ms_core.segmentation.coding import IGNORE
from ms_core.segmentation.palette import MOST_CLASSES

SCALARS = ("mIoU", "mAcc", "aAcc")
"""Names of `SemanticMetrics.scalars`."""
_EXACT = 1 << 23
"""Pixels counted at once: calcHist returns float32, which is exact up to 2^24."""


@dataclass(frozen=True, eq=False)
class SemanticMetrics:
    """What a segmentation evaluation found out. Where a number does not exist it is NaN."""

    classes: tuple[str, ...]
    """Names, in label order."""
    confusion: np.ndarray = field(repr=False)
    """int64 [K, K], pixels: rows truth, columns prediction."""
    images: int = 0
    """Images that were evaluated."""

    @property
    def iou(self) -> np.ndarray:
        """float64 [K], 0-1: of the pixels that truth or prediction give to a class, the part both do; NaN where
        neither has any.
        """
        hits = np.diagonal(self.confusion)
        return _ratio(hits, self.confusion.sum(0) + self.confusion.sum(1) - hits)

    @property
    def accuracy(self) -> np.ndarray:
        """float64 [K], 0-1: the part of a class's pixels that was found (its recall); NaN where there are none."""
        return _ratio(np.diagonal(self.confusion), self.confusion.sum(1))

    @property
    def miou(self) -> float:
        """Mean IoU of the classes that occur in truth or prediction, 0-1; NaN without a valid pixel."""
        return _known_mean(self.iou)

    @property
    def mean_accuracy(self) -> float:
        """Mean accuracy of the classes that occur in the truth, 0-1; NaN without a valid pixel."""
        return _known_mean(self.accuracy)

    @property
    def pixel_accuracy(self) -> float:
        """Part of all valid pixels whose class was found, 0-1 (the old zoo called it mAcc); NaN without one."""
        return float(_ratio(np.trace(self.confusion), self.confusion.sum()))

    def scalars(self) -> dict[str, float]:
        """mIoU, mAcc (mean accuracy of the classes) and aAcc (accuracy over all pixels), 0-1 or NaN."""
        return dict(zip(SCALARS, (self.miou, self.mean_accuracy, self.pixel_accuracy), strict=True))

    def lines(self) -> list[str]:
        """A line a class, the accuracies, and `mIoU: 0.xxx` as the last one."""
        pixels = self.confusion.sum(1)
        width, digits = max(map(len, self.classes)), len(str(pixels.max()))
        rows = zip(self.classes, self.iou, self.accuracy, pixels, strict=True)
        return [
            *(
                f" {name:<{width}}  IoU {_shown(iou)}  accuracy {_shown(accuracy)}  {count:>{digits}} pixels"
                for name, iou, accuracy, count in rows
            ),
            f"mean accuracy: {_shown(self.mean_accuracy)}; pixel accuracy: {_shown(self.pixel_accuracy)}",
            f"mIoU: {_shown(self.miou)}",
        ]

    def to_json(self) -> dict[str, object]:
        """What `metrics.json` holds: scalars, images and per-class values; null where a number does not exist."""
        rows = zip(
            self.classes, self.iou, self.accuracy, self.confusion.sum(1), self.confusion.sum(0), strict=True
        )
        return {
            **{name: _known(value) for name, value in self.scalars().items()},
            "images": self.images,
            "per_class": [
                {
                    "name": name,
                    "IoU": _known(iou),
                    "accuracy": _known(accuracy),
                    "pixels": int(pixels),
                    "predicted_pixels": int(predicted),
                }
                for name, iou, accuracy, pixels, predicted in rows
            ],
        }


class SemanticEvaluator:
    """Streaming evaluation: `update` image by image, `merge` other ranks' evaluators, `compute`.

    Memory does not grow with the images.

    Args:
        classes: names, in label order; 1 to 254 of them.

    Raises:
        UserError: no class, or more than fit.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        if not 1 <= len(classes) <= MOST_CLASSES:
            raise UserError(f"evaluation: {len(classes)} classes; there can be 1 to {MOST_CLASSES}.")
        self.classes = tuple(classes)
        self.confusion = np.zeros((len(self.classes),) * 2, np.int64)
        """int64 [K, K], pixels so far: rows truth, columns prediction."""
        self.images = 0
        """Images so far."""

    def update(self, prediction: np.ndarray, label: np.ndarray) -> None:
        """Take one image.

        Args:
            prediction: integers [H, W], 0 to K-1.
            label: integers [H, W], 0 to K-1, or 255 where a pixel does not count.

        Raises:
            ValueError: other sizes, or a value that is no class.
        """
        self.add(confusion_matrix(prediction, label, len(self.classes)))

    def add(self, confusion: np.ndarray, images: int = 1) -> None:
        """Take what `confusion_matrix` found in as many images, int64 [K, K]."""
        self.confusion += confusion
        self.images += images

    def merge(self, other: SemanticEvaluator) -> None:
        """Add another rank's counts.

        Raises:
            UserError: it has other classes.
        """
        if self.classes != other.classes:
            raise UserError("evaluation: the two have different classes. Use one class list for all ranks.")
        self.add(other.confusion, other.images)

    def compute(self) -> SemanticMetrics:
        """Evaluate what was given so far; may be called again after more updates.

        Raises:
            UserError: no image was given.
        """
        if not self.images:
            raise UserError("evaluation: no image was evaluated. Check that the data set is not empty.")
        return SemanticMetrics(self.classes, self.confusion.copy(), self.images)


def confusion_matrix(prediction: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    """Pixels of one image by (truth, prediction).

    Args:
        prediction: integers [H, W], 0 to K-1.
        label: integers [H, W], 0 to K-1, or 255 where a pixel does not count.
        classes: K, 1 to 255.

    Returns:
        int64 [K, K], exact.

    Raises:
        ValueError: other sizes, or a value that is no class.
    """
    if prediction.shape != label.shape or prediction.ndim != 2:
        raise ValueError(
            f"the prediction {list(prediction.shape)} and the label {list(label.shape)} are not of one size."
        )
    counts = _pair_counts(_bytes(label, "label"), _bytes(prediction, "prediction"))
    _require_classes(counts.sum(1)[:IGNORE], classes, "label")
    _require_classes(counts.sum(0), classes, "prediction")
    return counts[:classes, :classes]


def _pair_counts(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """int64 [256, 256], how often each pair of bytes occurs in two uint8 [H, W].

    OpenCV's histogram of two channels is several times faster than np.bincount, which first makes 64-bit integers of
    all pixels (benchmarks/semantic_metrics.py).
    """
    counts = np.zeros((256, 256), np.int64)
    rows, columns = rows.reshape(-1, 1), columns.reshape(-1, 1)
    for start in range(0, len(rows), _EXACT):
        part = slice(start, start + _EXACT)
        found = cv2.calcHist([rows[part], columns[part]], [0, 1], None, [256, 256], [0.0, 256.0, 0.0, 256.0])
        counts += found.astype(np.int64)
    return counts


def _bytes(values: np.ndarray, what: str) -> np.ndarray:
    """The same values as uint8 [H, W].

    Raises:
        ValueError: no integers, or one outside 0-255.
    """
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"the {what} holds {values.dtype}, not integers.")
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if not 0 <= low <= high <= IGNORE:
        raise ValueError(f"the {what} holds {low if low < 0 else high}, which is no class.")
    return values.astype(np.uint8)


def _require_classes(counts: np.ndarray, classes: int, what: str) -> None:
    strange = np.flatnonzero(counts[classes:]) + classes
    if len(strange):
        value = int(strange[0])
        raise ValueError(
            f"the {what} holds {value} in {int(counts[value])} pixels, but the classes are 0 to {classes - 1}."
        )


def _ratio(part: np.ndarray | np.integer, whole: np.ndarray | np.integer) -> np.ndarray:
    """part / whole in float64, NaN where whole is 0."""
    whole = np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def _known_mean(values: np.ndarray) -> float:
    """Mean of what is not NaN; NaN if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _shown(value: float) -> str:
    return "  -  " if np.isnan(value) else f"{value:.3f}"
