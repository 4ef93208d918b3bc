"""The course of a training: loss and its parts, learning rate, metrics, stability."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ms_core.errors import UserError
from ms_core.report.figures import (
    BLUE,
    INK,
    MUTED,
    RED,
    SERIES,
    frame,
    new_figure,
    round_log_ticks,
    save,
    show_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = ("AP", "AP50", "AP75", "VOC_AP50", "mIoU", "mAcc", "aAcc")
"""Results of evaluations that are drawn."""
_MOST_POINTS = 600
_LOG_RATIO = 12.0
"""A loss that falls by more than this is drawn on a logarithmic axis, where its end stays legible."""


@dataclass(frozen=True, eq=False)
class Series:
    """Numbers over the epochs of a run."""

    epochs: np.ndarray
    """float64 [n]; steps where the records know no epochs."""
    values: dict[str, np.ndarray]
    """float64 [n] each; nan is a gap."""

    def has(self, name: str) -> bool:
        """Is there any number of this name?"""
        return name in self.values and bool(np.isfinite(self.values[name]).any())


@dataclass(frozen=True, eq=False)
class TrainingCurves:
    """What metrics.jsonl tells of a run."""

    training: Series
    evaluations: Series
    x_label: str
    """"epoch" or "step"."""
    last_step: int = 0
    """Of the training, on record."""

    @property
    def loss_parts(self) -> list[str]:
        """Names of the parts of the loss."""
        return [n for n in self.training.values if n.startswith("loss_") and self.training.has(n)]

    @property
    def metrics(self) -> list[str]:
        """Names of the results that are drawn."""
        return [name for name in METRICS if self.evaluations.has(name)]

    @property
    def has_scaling(self) -> bool:
        """Did the loss scale matter: more than one value, or skipped steps?"""
        scale, skipped = (self.training.values.get(name, np.zeros(0)) for name in ("scale", "skipped"))
        return bool(len(np.unique(scale[np.isfinite(scale)])) > 1 or np.nanmax(skipped, initial=0) > 0)


def training_curves(records: Iterable[Mapping[str, Any]]) -> TrainingCurves:
    """Sort the records of a run, those of an interrupted and resumed one, too, into curves.

    Args:
        records: what `RunFolder.read_metrics` returns: kind "train" with step, loss, loss_..., lr; kind
            "evaluation" with step and metrics. Null values leave a gap.
    """
    kept = _written_last(records)
    x_label = "epoch" if all("epoch" in r for kind in kept.values() for r in kind) else "step"
    training, evaluations = (_series(kept[kind], x_label) for kind in ("train", "evaluation"))
    last_step = kept["train"][-1]["step"] if kept["train"] else 0
    return TrainingCurves(training, evaluations, x_label, last_step)


def training_figure(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Every curve of a run below one another.

    Args:
        records: see `training_curves`.
        path: picture to write; .png, .svg or .pdf.

    Raises:
        UserError: no training record, matplotlib is missing, or the file cannot be written.
    """
    curves = training_curves(records)
    if not len(curves.training.epochs):
        raise UserError(f"{path}: there is nothing to draw: the run has no training record yet.")
    panels = training_panels(curves)
    figure = new_figure(8, 0.4 + 2.2 * len(panels))
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, draw) in zip(all_axes, panels.items(), strict=True):
        frame(axes, title, curves.x_label if axes is all_axes[-1] else "")
        draw(axes, curves)
        if len(axes.get_legend_handles_labels()[0]) > 1:
            show_legend(axes)
    save(figure, path)


def training_panels(curves: TrainingCurves) -> dict[str, Callable[[Axes, TrainingCurves], None]]:
    """Title -> what draws it, for those that this run has numbers for."""
    panels = {
        "Loss": (draw_loss, curves.training.has("loss")),
        "Parts of the loss": (draw_loss_parts, bool(curves.loss_parts)),
        "Evaluation": (draw_metrics, bool(curves.metrics)),
        "Learning rate": (draw_learning_rate, curves.training.has("lr")),
        "Gradient norm": (draw_gradient_norm, curves.training.has("gradient_norm")),
        "Loss scale and skipped steps": (draw_scaling, curves.has_scaling),
    }
    return {title: draw for title, (draw, wanted) in panels.items() if wanted}


def draw_loss(axes: Axes, curves: TrainingCurves) -> None:
    """Total, raw and smoothed."""
    _smoothed_line(axes, curves.training, "loss", "", BLUE)
    _loss_scale(axes, curves.training.values["loss"])


def draw_loss_parts(axes: Axes, curves: TrainingCurves) -> None:
    """Every part, raw and smoothed."""
    for name, colour in zip(curves.loss_parts, SERIES[1:] * 4, strict=False):
        _smoothed_line(axes, curves.training, name, name.removeprefix("loss_"), colour)
    _loss_scale(axes, np.concatenate([curves.training.values[name] for name in curves.loss_parts]))


def draw_learning_rate(axes: Axes, curves: TrainingCurves) -> None:
    """As it was used."""
    axes.plot(*_thinned(curves.training.epochs, curves.training.values["lr"]), color=INK, linewidth=1.4)
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", nbins=5)
    axes.ticklabel_format(axis="y", style="plain")


def draw_metrics(axes: Axes, curves: TrainingCurves) -> None:
    """Evaluations while training; a ring around the best of the first metric."""
    series = curves.evaluations
    for name, colour in zip(curves.metrics, SERIES, strict=False):
        values = np.where(series.values[name] < 0, np.nan, series.values[name])
        axes.plot(series.epochs, values, color=colour, linewidth=1.5, marker="o", markersize=2.5, label=name)
    first = series.values[curves.metrics[0]]
    best = int(np.nanargmax(first))
    axes.plot(series.epochs[best], first[best], "o", color=SERIES[0], markersize=8, fillstyle="none")
    axes.set_ylim(0, 1)


def draw_gradient_norm(axes: Axes, curves: TrainingCurves) -> None:
    """Global norm before clipping."""
    _smoothed_line(axes, curves.training, "gradient_norm", "", SERIES[6])
    _loss_scale(axes, curves.training.values["gradient_norm"])


def draw_scaling(axes: Axes, curves: TrainingCurves) -> None:
    """Loss scale on the left, steps skipped so far on the right."""
    series = curves.training
    axes.step(series.epochs, series.values["scale"], color=MUTED, linewidth=1.4, where="post")
    axes.set_yscale("log", base=2)
    axes.set_ylabel("loss scale", fontsize=8, color=MUTED)
    right = axes.twinx()
    frame(right, y_label="skipped")
    right.grid(visible=False)
    right.step(series.epochs, series.values["skipped"], color=RED, linewidth=1.4, where="post")
    right.tick_params(colors=RED)
    right.set_ylim(bottom=0)
    right.locator_params(axis="y", integer=True, nbins=5)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Mean over a window of odd length around every value, shorter at the ends; gaps are left out of the mean."""
    half = window // 2
    known = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    here = np.arange(len(values))
    low, high = np.maximum(here - half, 0), np.minimum(here + half + 1, len(values))
    with np.errstate(invalid="ignore"):
        return (sums[high] - sums[low]) / (counts[high] - counts[low])


def _smoothed_line(axes: Axes, series: Series, name: str, label: str, colour: str) -> None:
    """The raw numbers thin and pale, their running mean above; few numbers as they are."""
    values = series.values[name]
    window = len(values) // 30
    if window < 2:
        axes.plot(series.epochs, values, color=colour, linewidth=1.6, label=label)
        return
    axes.plot(*_thinned(series.epochs, values), color=colour, linewidth=0.9, alpha=0.4)
    mean = smooth(values, window | 1)
    axes.plot(*_thinned(series.epochs, mean), color=colour, linewidth=1.7, label=label)


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most about _MOST_POINTS points: of every stretch the lowest and the highest, so that no spike is lost."""
    stretch = -(-2 * len(x) // _MOST_POINTS)
    if stretch <= 2:
        return x, y
    keep = {0, len(x) - 1}
    for start in range(0, len(x), stretch):
        part = y[start : start + stretch]
        if np.isfinite(part).any():
            keep |= {start + int(np.nanargmin(part)), start + int(np.nanargmax(part))}
        else:
            keep.add(start)  # the gap stays
    chosen = np.array(sorted(keep))
    return x[chosen], y[chosen]


def _loss_scale(axes: Axes, values: np.ndarray) -> None:
    positive = values[np.isfinite(values) & (values > 0)]
    if len(positive) and positive.max() > _LOG_RATIO * positive.min():
        round_log_ticks(axes)
    else:
        axes.set_ylim(bottom=0)


def _written_last(records: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Records by kind, without those that a resumed run has written again or will: nothing goes back in steps."""
    kept: dict[str, list[Mapping[str, Any]]] = {"train": [], "evaluation": []}
    for record in records:
        if record.get("kind") not in kept or "step" not in record:
            continue
        for kind, earlier in kept.items():
            known = record["step"] - (
                kind == record["kind"]
            )  # an evaluation has the step of the record before it
            while earlier and earlier[-1]["step"] > known:
                earlier.pop()
        kept[record["kind"]].append(record)
    return kept


def _series(records: list[Mapping[str, Any]], x_label: str) -> Series:
    names = dict.fromkeys(
        name for record in records for name in record if name not in ("kind", "step", "epoch")
    )
    return Series(
        np.array([record[x_label] for record in records], np.float64),
        {name: np.array([_value(record.get(name)) for record in records]) for name in names},
    )


def _value(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else np.nan
