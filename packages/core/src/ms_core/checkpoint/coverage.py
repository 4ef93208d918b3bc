"""What became of each parameter when a file was loaded into a network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ms_core.checkpoint.elements import printable
from ms_core.checkpoint.sources import Prefixes
from ms_core.errors import UserError

Shape = tuple[int, ...]

LISTED = 8
"""Names shown of a long list."""
LISTED_SHAPES = 32
"""Parameters of another shape shown: all of a head for other classes."""


@dataclass(frozen=True)
class LoadReport:
    """Which parameters of a network a file filled; each is in one of matched, missing, reshaped and kept."""

    matched: list[str]
    """Parameters that now hold the file's values."""
    missing: list[str]
    """Parameters the file has nothing for; they keep their values."""
    unexpected: list[str]
    """Arrays of the file, in our names, that the network has no parameter for."""
    reshaped: list[str]
    """Parameters whose array in the file has another shape (a head for other classes); they keep theirs."""
    source: str
    """Whose names the file uses."""
    path: Path = Path()
    """The file."""
    shapes: Mapping[str, tuple[Shape, Shape]] = field(default_factory=dict)
    """For each name in `reshaped`: shape in the file, shape in the network."""
    covers: Prefixes = ""
    """Prefix or prefixes of the parameters that the source is meant to fill; "" for all."""
    file_arrays: int = 0
    """Arrays in the file, training state included."""
    padding: str | None = None
    """Padding style the weights were trained with, where the file or its source says."""
    averaged: bool = False
    """Whether the averaged weights of a training checkpoint were taken."""
    file_classes: int | None = None
    """Classes (as the network counts them) that the file was trained for, where known."""
    network_classes: int | None = None
    """Classes of the network, where it says."""
    kept: list[str] = field(default_factory=list)
    """Parameters that the file would fill but that keep their values because somebody asked for it."""

    def summary(self) -> str:
        """The whole report as text: one line of counts, then the lists that deserve a look."""
        lines = [self._counts()]
        if self.reshaped:
            lines.append(f"  another shape, keep their values ({len(self.reshaped)}):")
            lines += _shown([self.both_shapes(name) for name in self.reshaped], LISTED_SHAPES)
        lines += _section("keep their values, as asked", self.kept, grouped=True)
        covered = [name for name in self.missing if name.startswith(self.covers)]
        lines += _section("not in the file, keep their values", covered)
        if beyond := len(self.missing) - len(covered):
            lines.append(
                f"  outside {_starred(self.covers)} {beyond} parameters keep their values, as is usual for this source"
            )
        lines += _section("in the file, without a place in the network", self.unexpected)
        return "\n".join(lines)

    def _counts(self) -> str:
        total = sum(map(len, (self.matched, self.missing, self.reshaped, self.kept)))
        averaged = ", averaged weights" if self.averaged else ""
        return (
            f"{self.path}: {self.source}{averaged}: {len(self.matched)} of {total} parameters filled "
            f"from {self.file_arrays} arrays in the file"
        )

    def both_shapes(self, name: str) -> str:
        """`name: (81, 8) in the file, (4, 8) here`."""
        in_file, here = self.shapes[name]
        return f"{printable(name)}: {in_file} in the file, {here} here"


def require_complete(report: LoadReport) -> LoadReport:
    """Insist that the file filled every parameter, as evaluation, prediction and export must.

    Raises:
        UserError: parameters are missing or reshaped; says which, and for how many classes the head is.
    """
    return _require(report, "")


def require_covered(report: LoadReport) -> LoadReport:
    """Insist that the file filled all that its source covers, such as the backbone.

    Raises:
        UserError: as `require_complete`.
    """
    return _require(report, report.covers)


def _require(report: LoadReport, prefix: Prefixes) -> LoadReport:
    reshaped = [name for name in report.reshaped if name.startswith(prefix)]
    missing = [name for name in report.missing if name.startswith(prefix)]
    if reshaped:
        raise UserError(f"{report.path}: {_wrong_shapes(report, reshaped)}")
    if missing:
        raise UserError(
            f"{report.path}: lacks {len(missing)} of the model's parameters ({_examples(missing)}). "
            "Use a checkpoint of the whole model, trained for this --model."
        )
    return report


def _wrong_shapes(report: LoadReport, reshaped: Sequence[str]) -> str:
    detail = f"{len(reshaped)} parameters differ, first {report.both_shapes(reshaped[0])}."
    file_classes, classes = report.file_classes, report.network_classes
    if file_classes is not None and classes is not None and file_classes != classes:
        wrong = f"head is for {file_classes} classes, this model has {classes}"
        return f"{wrong}: {detail} Build the model for {file_classes} classes."
    return f"is for another model: {detail} Use the model and options it was trained with."


def infer_classes(shapes: Mapping[str, tuple[Shape, Shape]], network_classes: int) -> int | None:
    """Class count of a file, from heads whose first axis is a multiple of the class count.

    Returns:
        The count that explains every differing shape, else None.
    """
    counts: set[int | None] = set()
    for in_file, here in shapes.values():
        if len(in_file) != len(here) or in_file[1:] != here[1:] or not here or here[0] % network_classes:
            return None
        anchors = here[0] // network_classes
        counts.add(in_file[0] // anchors if anchors and in_file[0] % anchors == 0 else None)
    return counts.pop() if len(counts) == 1 else None


def _section(title: str, names: Sequence[str], *, grouped: bool = False) -> list[str]:
    if not names:
        return []
    shown = _shown(_numbers_starred(names), LISTED_SHAPES) if grouped else _shown(names)
    return [f"  {title} ({len(names)}):", *shown]


def _starred(prefixes: Prefixes) -> str:
    """`backbone.*, head.*` for two prefixes."""
    return ", ".join(f"{prefix}*" for prefix in ((prefixes,) if isinstance(prefixes, str) else prefixes))


def _numbers_starred(names: Sequence[str]) -> list[str]:
    """`layers.*.bias (6)` for layers.0.bias to layers.5.bias."""
    counts = Counter(".".join("*" if part.isdigit() else part for part in n.split(".")) for n in names)
    return [pattern if count == 1 else f"{pattern} ({count})" for pattern, count in counts.items()]


def _shown(lines: Sequence[str], most: int = LISTED) -> list[str]:
    """Indented, cut after `most`: a backbone has hundreds."""
    shown = [f"    {printable(line)}" for line in lines[:most]]
    return shown + ([f"    ... and {len(lines) - most} more"] if len(lines) > most else [])


def _examples(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:2])
    return f"{shown}, ..." if len(names) > 2 else shown
