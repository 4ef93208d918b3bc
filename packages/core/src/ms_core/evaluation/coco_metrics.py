"""What a COCO evaluation found out: the twelve numbers, per class and as curves."""

from dataclasses import dataclass, field

import numpy as np

from ms_core.evaluation.engines import Counts

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_LEVELS = np.linspace(0, 1, 101)
STAT_NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
"""Names of `CocoMetrics.stats`, in COCO's order."""

# (average of, IoU threshold or None for all, area, most detections) of the twelve lines
_LINES = (
    ("precision", None, "all", 100),
    ("precision", 0, "all", 100),
    ("precision", 5, "all", 100),
    ("precision", None, "small", 100),
    ("precision", None, "medium", 100),
    ("precision", None, "large", 100),
    ("recall", None, "all", 1),
    ("recall", None, "all", 10),
    ("recall", None, "all", 100),
    ("recall", None, "small", 100),
    ("recall", None, "medium", 100),
    ("recall", None, "large", 100),
)
_AREAS = ("all", "small", "medium", "large")
_MOST = (1, 10, 100)


@dataclass(frozen=True)
class ClassScore:
    """One category of a COCO evaluation. AP and AP50 are -1 when it has no object in the images."""

    category_id: int
    name: str
    ap: float
    ap50: float
    objects: int
    """Annotated objects, crowds not counted."""
    voc_ap50: float | None = None
    """VOC's AP at IoU 0.5, when asked for."""


@dataclass(frozen=True, eq=False)
class CocoMetrics:
    """Results of a COCO box evaluation."""

    stats: np.ndarray
    """float64 [12] as STAT_NAMES, 0-1; -1 where no object can count, as COCO has it."""
    classes: tuple[ClassScore, ...]
    """By category id."""
    precision: np.ndarray = field(repr=False)
    """float64 [10, 101, K] at IOU_THRESHOLDS x RECALL_LEVELS; all areas, 100 detections."""
    scores: np.ndarray = field(repr=False)
    """float64 [10, 101, K]: the score that reaches each precision."""
    images: int = 0
    """Images that were evaluated."""
    voc_ap50: float | None = None
    """Mean over classes of VOC's AP at IoU 0.5, when asked for."""

    @property
    def ap(self) -> float:
        """AP at IoU .50:.95, the figure called mAP."""
        return float(self.stats[0])

    @property
    def ap50(self) -> float:
        """AP at IoU .50."""
        return float(self.stats[1])

    def lines(self) -> list[str]:
        """The twelve lines that COCO's own tool prints."""
        return [_line(*spec, value) for spec, value in zip(_LINES, self.stats.tolist(), strict=True)]

    def scalars(self) -> dict[str, float]:
        """Name -> value of the twelve numbers, and VOC_AP50 when it was asked for."""
        values = dict(zip(STAT_NAMES, self.stats.tolist(), strict=True))
        return values if self.voc_ap50 is None else values | {"VOC_AP50": self.voc_ap50}

    def to_json(self) -> dict[str, object]:
        """What `metrics.json` holds: scalars, images and per-class values; null where nothing can count."""
        return {
            **{name: _known(value) for name, value in self.scalars().items()},
            "images": self.images,
            "per_class": [
                {
                    "category_id": score.category_id,
                    "name": score.name,
                    "objects": score.objects,
                    "AP": _known(score.ap),
                    "AP50": _known(score.ap50),
                }
                | ({} if score.voc_ap50 is None else {"VOC_AP50": _known(score.voc_ap50)})
                for score in self.classes
            ],
        }


def summarise(counts: Counts) -> np.ndarray:
    """The twelve numbers, float64 [12]: the mean of what is not -1, as COCOeval.summarize takes it."""
    stats = []
    for kind, threshold, area, most in _LINES:
        values = getattr(counts, kind)[..., _AREAS.index(area), _MOST.index(most)]  # [T, (R,) K]
        stats.append(known_mean(values if threshold is None else values[threshold]))
    return np.array(stats)


def known_mean(values: np.ndarray) -> float:
    """Mean of the values that are not -1; -1 if none is."""
    known = values[values > -1]
    return float(known.mean()) if len(known) else -1.0


def _known(value: float) -> float | None:
    return None if value < 0 else value


def _line(kind: str, threshold: int | None, area: str, most: int, value: float) -> str:
    title, short = ("Average Precision", "(AP)") if kind == "precision" else ("Average Recall", "(AR)")
    iou = "0.50:0.95" if threshold is None else f"{IOU_THRESHOLDS[threshold]:0.2f}"
    return f" {title:<18} {short} @[ IoU={iou:<9} | area={area:>6s} | maxDets={most:>3d} ] = {value:0.3f}"
