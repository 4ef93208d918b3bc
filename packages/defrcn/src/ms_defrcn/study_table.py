"""Numbers of a study: means and intervals over seeds, as tables. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

METRICS = ("nAP", "bAP", "AP", "AP50", "AP75", "nAP50", "nAP75", "bAP50", "bAP75", "nVOC_AP50", "bVOC_AP50")
"""Columns, in this order, as far as something measured them: AP over novel, base and all classes of the stage."""
_Z = 1.96
"""Half the width, in standard deviations of the mean, of the middle 95 % of a normal distribution."""


@dataclass(frozen=True)
class Cell:
    """One fine-tuning: so many shots, drawn by one seed."""

    shots: int
    seed: int

    def __str__(self) -> str:
        return f"{self.shots} shot{'s' if self.shots > 1 else ''}, seed {self.seed}"


@dataclass(frozen=True)
class Score:
    """What one fine-tuning reached."""

    cell: Cell
    metrics: Mapping[str, float | None]
    """Name -> 0-1; None where no object can count."""


@dataclass(frozen=True)
class Interval:
    """Mean over seeds with its 95 % interval."""

    mean: float
    """0-1."""
    half_width: float | None
    """1.96 standard deviations (of the seeds themselves: divided by n) over the square root of n, as the published
    tables have it; None for a single seed."""
    count: int
    """Seeds, n."""


def interval_of(values: Sequence[float]) -> Interval:
    """Mean and half width of the 95 % interval of at least one value."""
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Interval(mean, None, 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / count)
    return Interval(mean, _Z * deviation / math.sqrt(count), count)


def metrics_of(scores: Iterable[Score]) -> tuple[str, ...]:
    """The columns for which there is a number."""
    known = {name for score in scores for name, value in score.metrics.items() if value is not None}
    return tuple(name for name in METRICS if name in known)


def summary(scores: Sequence[Score]) -> dict[int, dict[str, Interval]]:
    """Shots -> metric -> mean and interval over the seeds that have a number, shots rising."""
    table: dict[int, dict[str, Interval]] = {}
    for shots in sorted({score.cell.shots for score in scores}):
        rows = [score.metrics for score in scores if score.cell.shots == shots]
        table[shots] = {
            name: interval_of(values) for name in metrics_of(scores) if (values := _values(rows, name))
        }
    return table


def study_lines(scores: Sequence[Score]) -> list[str]:
    """A table to print, in percent: a row for each number of shots, `mean ± half width`, and how many seeds."""
    names = metrics_of(scores)
    rows = [["shots", "seeds", *names]]
    for shots, intervals in summary(scores).items():
        seeds = sum(score.cell.shots == shots for score in scores)
        rows.append([str(shots), str(seeds), *(shown(intervals.get(name)) for name in names)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows]


def old_table(scores: Sequence[Score]) -> str:
    """Results as the original's results.txt has them, in percent.

    A block for every number of shots: a line `--> K-shot`, a table with a row for every seed in rising order (numbered
    from 0), then the mean (row μ) and half the 95 % interval (row c).
    """
    return "".join(
        f"--> {shots}-shot\n{_old_block([s for s in scores if s.cell.shots == shots])}\n\n"
        for shots in sorted({score.cell.shots for score in scores})
    )


def shown(interval: Interval | None) -> str:
    """`18.53 ± 0.31` in percent; a dash where nothing was measured."""
    if interval is None:
        return "-"
    text = f"{100 * interval.mean:.2f}"
    return text if interval.half_width is None else f"{text} ± {100 * interval.half_width:.2f}"


def to_json(scores: Sequence[Score]) -> dict[str, object]:
    """Rows for every seed and the summary, values 0-1; what study.json holds of the results."""
    return {
        "cells": [{"shots": s.cell.shots, "seed": s.cell.seed, **dict(s.metrics)} for s in in_order(scores)],
        "summary": [
            {"shots": shots, **{name: _interval_json(interval) for name, interval in row.items()}}
            for shots, row in summary(scores).items()
        ],
    }


def in_order(scores: Iterable[Score]) -> list[Score]:
    """By shots, then seeds."""
    return sorted(scores, key=_place)


def _place(score: Score) -> tuple[int, int]:
    return score.cell.shots, score.cell.seed


def _values(rows: Iterable[Mapping[str, float | None]], name: str) -> list[float]:
    return [value for row in rows if (value := row.get(name)) is not None]


def _interval_json(interval: Interval) -> dict[str, float | int | None]:
    return {"mean": interval.mean, "half_width": interval.half_width, "seeds": interval.count}


def _old_block(scores: Sequence[Score]) -> str:
    names = metrics_of(scores)
    columns = {name: _values([score.metrics for score in scores], name) for name in names}
    intervals = [interval_of(columns[name]) for name in names]
    rows = [["", *names]]
    for number, score in enumerate(in_order(scores)):
        rows.append([str(number), *(_percent(score.metrics.get(name)) for name in names)])
    rows.append(["μ", *(_percent(interval.mean) for interval in intervals)])
    rows.append(["c", *(_percent(interval.half_width or 0.0) for interval in intervals)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ruler = "|" + "|".join(":" + "-" * (width + 1) for width in widths) + "|"
    lines = ["| " + " | ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], ruler, *lines[1:]])


def _percent(value: float | None) -> str:
    return "nan" if value is None else f"{100 * value:.2f}"
