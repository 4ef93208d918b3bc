"""Which score a detection should have to be shown: precision, recall and F1 at every score threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVELS = 1000
"""Score thresholds are multiples of 1 / LEVELS."""


@dataclass(frozen=True)
class ScoreThreshold:
    """Detections with a greater score are right and complete to this degree."""

    score: float
    """Threshold, 0-1; strict, as in `predict --min-score`."""
    precision: float
    """Share of the detections above it that are right."""
    recall: float
    """Share of the objects that they find."""
    f1: float
    """Harmonic mean of the two."""


@dataclass(frozen=True, eq=False)
class ScoreCurves:
    """Precision, recall and F1 over the score threshold; nan where nothing is above it."""

    scores: np.ndarray
    """float64 [LEVELS], thresholds 0, 0.001, ... 0.999."""
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray


class ScoreCounts:
    """Right and wrong detections by score, image by image; memory does not grow with the images.

    Args:
        classes: names, in label order.
        min_score: what the detector dropped before, 0-1: below it nothing can be said.
    """

    def __init__(self, classes: Sequence[str], min_score: float = 0.0) -> None:
        count = len(classes)
        self.min_score = min_score
        self.objects = np.zeros(count, np.int64)
        """int64 [K], objects to be found."""
        self.right = np.zeros((count, LEVELS), np.int64)
        """int64 [K, LEVELS], right detections with a score in (level / LEVELS, (level + 1) / LEVELS]."""
        self.wrong = np.zeros((count, LEVELS), np.int64)
        """int64 [K, LEVELS], false alarms, likewise."""

    def update(
        self,
        objects: np.ndarray,
        labels: np.ndarray,
        scores: np.ndarray,
        hits: np.ndarray,
        false_alarms: np.ndarray,
    ) -> None:
        """Take one image.

        Args:
            objects: int [g], labels of the objects to be found.
            labels: int [n], of the detections. scores: [n], 0-1. hits, false_alarms: bool [n].
        """
        np.add.at(self.objects, objects, 1)
        # Half open the other way round than `floor`: a score equal to a threshold is not above it.
        exact = np.asarray(scores, np.float64) * LEVELS
        level = np.clip(np.ceil(np.round(exact, 4)).astype(np.int64) - 1, 0, LEVELS - 1)
        np.add.at(self.right, (labels[hits], level[hits]), 1)
        np.add.at(self.wrong, (labels[false_alarms], level[false_alarms]), 1)

    def curves(self, label: int | None = None) -> ScoreCurves:
        """Of one class, or of all detections together."""
        right, wrong, objects = self._counts(label)
        hits, alarms = _from_above(right), _from_above(wrong)
        shown = hits + alarms
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(shown > 0, hits / shown, np.nan)
            recall = hits / objects if objects else np.full(LEVELS, np.nan)
            f1 = np.where(shown > 0, 2 * hits / (shown + objects), np.nan)
        return ScoreCurves(np.arange(LEVELS) / LEVELS, precision, recall, f1)

    def advice(self, label: int | None = None) -> ScoreThreshold | None:
        """The threshold with the best F1, of one class or of all together; in the middle of equally good ones.

        None where the class has no object, or nothing of it was found.
        """
        curves = self.curves(label)
        known = (curves.scores >= np.floor(self.min_score * LEVELS) / LEVELS) & np.isfinite(curves.f1)
        best = curves.f1[known].max(initial=0)
        if best <= 0 or not self._counts(label)[2]:
            return None
        good = np.flatnonzero(known & (curves.f1 == best))
        end = good[0] + np.argmin(np.append(np.diff(good) == 1, False))  # of the first run of equals
        level = int(good[0] + end) // 2
        values = (curves.scores, curves.precision, curves.recall, curves.f1)
        return ScoreThreshold(*(float(value[level]) for value in values))

    def histogram(self, bins: int = 25) -> tuple[np.ndarray, np.ndarray]:
        """Right and wrong detections of all classes in equal ranges of the score, int64 [bins] each."""
        shape = (bins, LEVELS // bins)
        return (
            self.right.sum(axis=0).reshape(shape).sum(axis=1),
            self.wrong.sum(axis=0).reshape(shape).sum(axis=1),
        )

    def _counts(self, label: int | None) -> tuple[np.ndarray, np.ndarray, int]:
        if label is None:
            return self.right.sum(axis=0), self.wrong.sum(axis=0), int(self.objects.sum())
        return self.right[label], self.wrong[label], int(self.objects[label])


def _from_above(counts: np.ndarray) -> np.ndarray:
    """How many lie at each level or above it."""
    return counts[::-1].cumsum()[::-1]
