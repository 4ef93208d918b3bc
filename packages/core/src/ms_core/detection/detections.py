"""The one type that carries what a detector found in an image."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one image, best score first when it comes from `multiclass_nms`."""

    boxes: np.ndarray
    """float32 [n, 4] as (x0, y0, x1, y1), pixels of the original image."""
    scores: np.ndarray
    """float32 [n], 0-1."""
    labels: np.ndarray
    """int32 [n], index into the dataset's classes from 0; background is not counted."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", np.asarray(self.boxes, np.float32).reshape(-1, 4))
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float32).reshape(-1))
        object.__setattr__(self, "labels", np.asarray(self.labels, np.int32).reshape(-1))
        if not len(self.boxes) == len(self.scores) == len(self.labels):
            raise ValueError(
                f"{len(self.boxes)} boxes, {len(self.scores)} scores and {len(self.labels)} labels"
            )

    @classmethod
    def empty(cls) -> "Detections":
        """Nothing found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32))

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, chosen: np.ndarray) -> "Detections":
        """Those that `chosen` (indices or a bool mask) names, in its order."""
        return Detections(self.boxes[chosen], self.scores[chosen], self.labels[chosen])

    def above(self, min_score: float) -> "Detections":
        """Those whose score is greater than `min_score`."""
        return self.select(self.scores > min_score)

    def best(self, count: int) -> "Detections":
        """The `count` highest scores, best first; equal scores keep their order."""
        return self.select(np.argsort(-self.scores, kind="stable")[:count])
