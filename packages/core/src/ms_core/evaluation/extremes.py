"""The images a detector does best and worst on, found in one pass with bounded memory."""

from dataclasses import dataclass

from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.best_and_worst import BestAndWorst
from ms_core.evaluation.image_match import ImageMatch


@dataclass(frozen=True)
class ImageScore:
    """How well one image was done, from its detections above a score."""

    hits: int
    missed: int
    false_alarms: int
    mean_iou: float
    """Mean overlap of the hits with their objects, 0-1; 0 without a hit."""

    @property
    def f1(self) -> float:
        """2 hits / (2 hits + missed + false alarms), 0-1."""
        return 2 * self.hits / max(2 * self.hits + self.missed + self.false_alarms, 1)

    @property
    def is_judged(self) -> bool:
        """False for an image without objects on which nothing was detected: there is nothing to see."""
        return self.hits + self.missed + self.false_alarms > 0

    @property
    def rank(self) -> tuple[float, float, int]:
        """Greater is better: F1, then mean IoU of the hits, then fewer mistakes."""
        return self.f1, self.mean_iou, -(self.missed + self.false_alarms)


def score_image(match: ImageMatch, min_score: float) -> ImageScore:
    """The score of an image from its detections with a score greater than `min_score`."""
    shown = match.above(min_score)
    hits = int(shown.hits.sum())
    return ImageScore(
        hits=hits,
        missed=int(shown.counted.sum()) - hits,
        false_alarms=int(shown.false_alarms.sum()),
        mean_iou=float(shown.iou[shown.hits].mean()) if hits else 0.0,
    )


@dataclass(frozen=True, eq=False)
class JudgedImage:
    """An image among the best or the worst."""

    sample: Sample
    detections: Detections
    """Those above the score that the images were judged at."""
    score: ImageScore


class Extremes:
    """Keeps the `count` best and worst images; no picture is held, only boxes.

    Args:
        min_score: images are judged by their detections with a greater score.
        count: images on either side.
    """

    def __init__(self, min_score: float, count: int = 6) -> None:
        self.min_score = min_score
        self._images: BestAndWorst[JudgedImage] = BestAndWorst(count)

    def update(self, sample: Sample, detections: Detections, match: ImageMatch) -> None:
        """Take one image."""
        score = score_image(match, self.min_score)
        if score.is_judged:
            self._images.update(
                score.rank, lambda: JudgedImage(sample, detections.above(self.min_score), score)
            )

    def best(self) -> list[JudgedImage]:
        """The best first. No image is among the best and the worst: few images are shared out by halves."""
        return self._images.best()

    def worst(self) -> list[JudgedImage]:
        """The worst first."""
        return self._images.worst()
