"""What an evaluation can tell beyond average precision, gathered image by image with bounded memory."""

from collections.abc import Sequence

from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections
from ms_core.evaluation.confusion import ConfusionMatrix
from ms_core.evaluation.extremes import Extremes
from ms_core.evaluation.image_match import match_image
from ms_core.evaluation.thresholds import ScoreCounts, ScoreThreshold

IOU_THRESHOLD = 0.5
"""Least overlap of a detection with the object it found."""
SHOWN_SCORES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Scores at which pictures and confusion matrix can be shown. A network trained briefly gives low scores: at 0.5 it
would seem to find nothing. Which one suits is known after the last image, so all are kept."""
USUAL_SCORE = 0.5
"""Taken where no advice can be given, because nothing was found."""


class Findings:
    """Score thresholds, confusion matrix, best and worst images.

    Args:
        classes: names, in label order.
        min_score: what the detector dropped before, 0-1.
        extremes: how many best and worst images are kept.
    """

    def __init__(self, classes: Sequence[str], *, min_score: float = 0.0, extremes: int = 6) -> None:
        self.classes = tuple(classes)
        self.scores = ScoreCounts(classes, min_score)
        self._confusion = {s: ConfusionMatrix(classes, min_score=s) for s in SHOWN_SCORES}
        self._extremes = {s: Extremes(s, extremes) for s in SHOWN_SCORES}

    def update(self, sample: Sample, detections: Detections) -> None:
        """Take one image."""
        match = match_image(sample, detections, IOU_THRESHOLD)
        self.scores.update(
            sample.labels[match.counted],
            detections.labels,
            detections.scores,
            match.hits,
            match.false_alarms,
        )
        for confusion in self._confusion.values():
            confusion.update(sample.boxes, sample.labels, detections, ~match.counted)
        for extremes in self._extremes.values():
            extremes.update(sample, detections, match)

    def advice(self, name: str) -> ScoreThreshold | None:
        """The score threshold that suits a class most; None for a class unknown here or never found."""
        return self.scores.advice(self.classes.index(name)) if name in self.classes else None

    def advice_in_words(self) -> str:
        """One line on the score threshold that suits all classes together."""
        advice = self.scores.advice()
        if advice is None:
            return "score threshold: nothing was found at IoU 0.5, so there is none to advise"
        return (
            f"score threshold for all classes: > {advice.score:.2f} (F1 {advice.f1:.3f}, precision "
            f"{advice.precision:.3f}, recall {advice.recall:.3f} at IoU 0.5)"
        )

    @property
    def shown_score(self) -> float:
        """The one of SHOWN_SCORES that is nearest to the advised threshold."""
        advice = self.scores.advice()
        wanted = USUAL_SCORE if advice is None else advice.score
        return min(SHOWN_SCORES, key=lambda score: abs(score - wanted))

    @property
    def confusion(self) -> ConfusionMatrix:
        """At `shown_score`."""
        return self._confusion[self.shown_score]

    @property
    def extremes(self) -> Extremes:
        """At `shown_score`."""
        return self._extremes[self.shown_score]
