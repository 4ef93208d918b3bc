"""What a page says of a detector and of a segmentation network, chosen by what the files of the run hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ms_core.report.data_section import data_section
from ms_core.report.evaluation_folder import EvaluationFolder
from ms_core.report.evaluation_section import evaluation_section
from ms_core.report.html import Html, number
from ms_core.report.run_facts import RunFacts
from ms_core.report.semantic_data_section import semantic_data_section
from ms_core.report.semantic_section import semantic_section


@dataclass(frozen=True)
class Kind:
    """One kind of task."""

    tiles: tuple[tuple[str, str], ...]
    """(name on the page, entry of metrics.json) of the numbers everybody asks for first."""
    evaluation: Callable[[EvaluationFolder, RunFacts, int, int], Html]
    """Section of an evaluation, from its place in the page and the bytes its pictures may take."""
    data: Callable[[RunFacts], Html]
    """Section of the data."""

    def tiles_of(self, evaluation: EvaluationFolder) -> list[tuple[str, str]]:
        """(label, value) each."""
        split = evaluation.name.removeprefix("eval-")
        return [(f"{name} on {split}", number(evaluation.metrics.get(entry))) for name, entry in self.tiles]


DETECTION = Kind((("mAP", "AP"), ("AP50", "AP50")), evaluation_section, data_section)
SEGMENTATION = Kind(
    (("mIoU", "mIoU"), ("mean accuracy", "mAcc"), ("pixel accuracy", "aAcc")),
    semantic_section,
    semantic_data_section,
)


def kind_of_evaluation(metrics: dict[str, Any]) -> Kind:
    """By metrics.json."""
    return SEGMENTATION if "mIoU" in metrics else DETECTION


def kind_of_data(data: dict[str, Any]) -> Kind:
    """By data.json."""
    return SEGMENTATION if "palette" in data else DETECTION
