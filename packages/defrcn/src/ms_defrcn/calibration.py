"""Calibration of the scores of novel classes by their likeness to the labelled objects (paper, section 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ms_core.detection.detections import Detections

from ms_defrcn.config import PcbConfig

Describe = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Picture uint8 [h, w, 3] RGB at its original size, boxes [n, 4] in its pixels -> descriptions float32 [n, D]."""


@dataclass(frozen=True, eq=False)
class Prototypes:
    """What the labelled objects of each class look like on average."""

    classes: tuple[str, ...]
    """Those that have one."""
    vectors: np.ndarray
    """float32 [n, D]: mean description of the objects of each class."""


class Calibration:
    """Gives detections of the classes with a prototype new scores, and leaves the others alone.

    Args:
        describe: gives the description of regions.
        prototypes: of the classes whose scores are calibrated.
        classes: those of the detector, in label order.
        config: the rule.
    """

    def __init__(
        self, describe: Describe, prototypes: Prototypes, classes: Sequence[str], config: PcbConfig
    ) -> None:
        self.describe = describe
        self.config = config
        self.prototypes = prototypes
        self._place = np.array(
            [prototypes.classes.index(name) if name in prototypes.classes else -1 for name in classes]
        )

    def __call__(self, image: np.ndarray, detections: Detections) -> Detections:
        """Detections of a picture with calibrated scores, the best first.

        Args:
            image: uint8 [h, w, 3] RGB, at its original size.
            detections: in its pixels.
        """
        scores = self.scores(image, detections)
        return Detections(detections.boxes, scores, detections.labels).best(len(scores))

    def scores(self, image: np.ndarray, detections: Detections) -> np.ndarray:
        """float32 [n], in the order of the detections; only those that change are described."""
        places = self._place[detections.labels]
        chosen = np.flatnonzero((places >= 0) & within(detections.scores, self.config))
        scores = detections.scores.copy()
        if len(chosen):
            likeness = cosine(
                self.describe(image, detections.boxes[chosen]), self.prototypes.vectors[places[chosen]]
            )
            scores[chosen] = mixed(scores[chosen], likeness, self.config.alpha)
        return scores


def within(scores: np.ndarray, config: PcbConfig) -> np.ndarray:
    """bool [n]: which scores are calibrated."""
    return (scores >= config.lower) & (scores <= config.upper)


def mixed(scores: np.ndarray, likeness: np.ndarray, alpha: float) -> np.ndarray:
    """Scores of the detector and likeness -1 to 1, mixed with the share `alpha` of the former; all [n]."""
    return alpha * scores + (1 - alpha) * likeness


def cosine(features: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Cosine of the angle between the rows of two arrays [n, D]: float32 [n]; 0 where a row is all zeros."""
    norms = np.linalg.norm(features, axis=1) * np.linalg.norm(others, axis=1)
    return np.sum(features * others, axis=1) / np.maximum(norms, np.finfo(np.float32).tiny)
