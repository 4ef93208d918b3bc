"""What is wrong with single entries of a dataset: raised at once when opening, collected when checking."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from ms_core.errors import UserError

Kind = Literal["box", "class", "label", "id", "size", "file", "mask", "duplicate", "count"]
Severity = Literal["error", "warning"]

REMEDIES: dict[Kind, str] = {
    "box": "Fix it, or pass --data.invalid-boxes drop.",
    "class": "Fix it, or pass --data.unknown-classes drop.",
    "label": "Number the classes from 1.",
}


@dataclass(frozen=True)
class Problem:
    """One fault in the data."""

    kind: Kind
    where: str
    """File and entry, for example `train.json: image 391895`."""
    what: str
    """The fault, without a final full stop."""
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class ProblemList:
    """What a check of any kind of data found, by how bad it is."""

    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Faults that stop a training or make its scores wrong."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Faults that a training survives."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def exit_code(self) -> int:
        """2 where there are errors, else 0."""
        return 2 if self.errors else 0


class Problems:
    """Receives the faults that a reader meets and decides which of them stop it.

    When opening, a fault that is not dropped on request raises `UserError`; when checking (`collect=True`)
    nothing raises and `found` holds everything, faults that opening would drop as warnings.
    """

    def __init__(
        self,
        *,
        invalid_boxes: Literal["error", "drop"] = "error",
        unknown_classes: Literal["error", "drop"] = "error",
        collect: bool = False,
    ) -> None:
        self.collect = collect
        self.found: list[Problem] = []
        self.counts: Counter[str] = Counter()
        """What happened to boxes: dropped, clipped, unknown."""
        self._drop: dict[Kind, bool] = {
            "box": invalid_boxes == "drop",
            "class": unknown_classes == "drop",
        }

    def drops(self, kind: Kind) -> bool:
        """Whether boxes with this fault are left out instead of stopping the reader."""
        return self._drop.get(kind, False)

    def add(self, kind: Kind, where: str, what: str) -> None:
        """Report one fault; returns only where the reader is to go on without the faulty entry."""
        if self.collect:
            severity: Severity = "warning" if self.drops(kind) else "error"
            self.found.append(Problem(kind, where, what, severity))
        elif not self.drops(kind):
            remedy = REMEDIES.get(kind, "Fix the file.")
            raise UserError(f"{where}: {what}. {remedy}")
