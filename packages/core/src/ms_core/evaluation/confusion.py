"""Which class is taken for which: a confusion matrix of detections, image by image."""

from collections.abc import Sequence

import numpy as np

from ms_core.detection.boxes import box_iou
from ms_core.detection.detections import Detections
from ms_core.errors import UserError


class ConfusionMatrix:
    """Counts of (annotated class, detected class), with background as the last row and column.

    A detection and an object are paired when they overlap enough, whatever their classes, best overlap first;
    each takes part once. Objects without a detection count in the last column, detections without an object
    in the last row. Memory does not grow with the images.

    Args:
        classes: names, in label order.
        iou_threshold: least overlap of a pair, 0-1.
        min_score: only detections with a greater score count; strict.
    """

    def __init__(self, classes: Sequence[str], *, iou_threshold: float = 0.5, min_score: float = 0.3) -> None:
        self.classes = tuple(classes)
        self.iou_threshold = iou_threshold
        self.min_score = min_score
        self.counts = np.zeros((len(self.classes) + 1,) * 2, np.int64)
        """int64 [K + 1, K + 1], rows annotated, columns detected."""

    def update(
        self, boxes: np.ndarray, labels: np.ndarray, detections: Detections, ignored: np.ndarray | None = None
    ) -> None:
        """Take one image.

        Args:
            boxes: [g, 4] as (x0, y0, x1, y1), pixels.
            labels: int [g].
            detections: of the same image and in its pixels.
            ignored: bool [g], objects that neither count as missed nor as found (crowd, difficult); a
                detection on one, when no other object claims it, does not count either.
        """
        found = detections.above(self.min_score)
        background = len(self.classes)
        boxes, labels = np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(labels, np.int64)
        ignored = np.zeros(len(boxes), bool) if ignored is None else np.asarray(ignored, bool)
        overlap = box_iou(found.boxes, boxes)  # [n, g]
        detection, truth = _pairs(np.where(ignored, 0, overlap), self.iou_threshold)
        np.add.at(self.counts, (labels[truth], found.labels[detection]), 1)
        missed = ~ignored
        missed[truth] = False
        np.add.at(self.counts[:, background], labels[missed], 1)
        wrong = ~(overlap[:, ignored] >= self.iou_threshold).any(axis=1)
        wrong[detection] = False
        np.add.at(self.counts, (background, found.labels[wrong]), 1)

    def merge(self, other: "ConfusionMatrix") -> None:
        """Add another rank's counts."""
        if self.classes != other.classes:
            raise UserError(
                "confusion matrix: the two have different classes. Use one class list for all ranks."
            )
        self.counts += other.counts


def _pairs(overlap: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Row and column indices of the pairs, best overlap first, each row and column at most once: [n, g]."""
    rows, columns = np.nonzero(overlap >= threshold)
    chosen_rows, chosen_columns = [], []
    free_rows, free_columns = np.ones(overlap.shape[0], bool), np.ones(overlap.shape[1], bool)
    for pair in np.argsort(-overlap[rows, columns], kind="stable"):
        row, column = rows[pair], columns[pair]
        if free_rows[row] and free_columns[column]:
            free_rows[row] = free_columns[column] = False
            chosen_rows.append(row)
            chosen_columns.append(column)
    return np.array(chosen_rows, np.int64), np.array(chosen_columns, np.int64)
