"""The numbers of few-shot detection: COCO's, over base classes, novel classes and all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ms_core.evaluation.coco_metrics import IOU_THRESHOLDS, CocoMetrics, known_mean

_AT_50, _AT_75 = 0, int(np.flatnonzero(np.isclose(IOU_THRESHOLDS, 0.75))[0])


@dataclass(frozen=True)
class GroupScore:
    """Mean over the classes of a group that have an object; -1 where none has."""

    ap: float
    """AP at IoU .50:.95, 0-1."""
    ap50: float
    ap75: float
    voc_ap50: float | None = None
    """VOC's AP at IoU 0.5, when asked for."""


@dataclass(frozen=True, eq=False)
class StageMetrics:
    """Results of an evaluation of base and novel classes."""

    coco: CocoMetrics
    """Over all classes of the stage."""
    base: GroupScore | None
    """None where the stage has no base classes."""
    novel: GroupScore | None
    """None where the stage has no novel classes."""

    def scalars(self) -> dict[str, float]:
        """Name -> value: COCO's twelve as STAT_NAMES; bAP bAP50 bAP75 and nAP nAP50 nAP75 where there are such
        classes (and bVOC_AP50, nVOC_AP50); -1 where no object can count.
        """
        values = self.coco.scalars()
        for letter, group in (("b", self.base), ("n", self.novel)):
            if group is None:
                continue
            values |= {f"{letter}AP": group.ap, f"{letter}AP50": group.ap50, f"{letter}AP75": group.ap75}
            if group.voc_ap50 is not None:
                values[f"{letter}VOC_AP50"] = group.voc_ap50
        return values

    def group_entries(self) -> dict[str, float | None]:
        """What metrics.json adds to COCO's numbers; null where nothing can count."""
        own = self.coco.scalars()
        return {
            name: None if value < 0 else value for name, value in self.scalars().items() if name not in own
        }

    def lines(self) -> list[str]:
        """A table of AP, AP50 and AP75 in percent, a line a group."""
        ap, ap50, ap75 = self.coco.stats[:3].tolist()
        rows = [("base", self.base), ("novel", self.novel)]
        groups = [(name, group) for name, group in rows if group is not None]
        groups.append(("all", GroupScore(ap, ap50, ap75, self.coco.voc_ap50)))
        header = f" {'classes':<8}{'AP':>8}{'AP50':>8}{'AP75':>8}"
        if self.coco.voc_ap50 is not None:
            header += f"{'VOC AP50':>10}"
        return [header, *(f" {name:<8}{_columns(group)}" for name, group in groups)]


def stage_metrics(coco: CocoMetrics, base: Sequence[str], novel: Sequence[str]) -> StageMetrics:
    """Split the numbers of an evaluation by class.

    Args:
        coco: over all classes of the stage.
        base, novel: names of its classes.
    """
    return StageMetrics(
        coco, group_score(coco, base) if base else None, group_score(coco, novel) if novel else None
    )


def group_score(coco: CocoMetrics, names: Iterable[str]) -> GroupScore:
    """Mean over some of the classes."""
    wanted = set(names)
    chosen = np.array([score.name in wanted for score in coco.classes], bool)
    precision = coco.precision[:, :, chosen]  # [T, R, k]
    voc = [s.voc_ap50 for s in coco.classes if s.name in wanted and s.voc_ap50 is not None]
    return GroupScore(
        known_mean(precision),
        known_mean(precision[_AT_50]),
        known_mean(precision[_AT_75]),
        None if coco.voc_ap50 is None else known_mean(np.array(voc)),
    )


def _columns(group: GroupScore) -> str:
    text = "".join(_percent(value) for value in (group.ap, group.ap50, group.ap75))
    return text if group.voc_ap50 is None else text + "  " + _percent(group.voc_ap50)


def _percent(value: Any) -> str:
    return f"{'-':>8}" if value < 0 else f"{100 * value:>8.3f}"
