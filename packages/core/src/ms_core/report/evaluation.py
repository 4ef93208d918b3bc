"""Figures of an evaluation: precision over recall, AP of every class, confusion matrix, score thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ms_core.evaluation.coco_metrics import RECALL_LEVELS, CocoMetrics
from ms_core.evaluation.confusion import ConfusionMatrix
from ms_core.evaluation.thresholds import ScoreCounts, ScoreCurves
from ms_core.label_font import label_font
from ms_core.report.figures import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    RED,
    SERIES,
    frame,
    new_figure,
    save,
    show_legend,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

MOST_COLOURED = len(SERIES)
"""Classes that get a colour each; more are drawn in grey, with their mean."""
_MOST_WRITTEN_CELLS = 26 * 26


def precision_recall_figure(metrics: CocoMetrics, path: Path) -> None:
    """Precision over recall at IoU 0.5 of every class, and their mean at IoU 0.5 and 0.75."""
    figure = new_figure(7, 6)
    axes = figure.subplots()
    seen = [k for k, score in enumerate(metrics.classes) if score.ap > -1]
    frame(axes, "Precision over recall", "recall", "precision")
    few = [metrics.classes[k].name for k in seen] if len(seen) <= MOST_COLOURED else []
    labels = [f"{written_name(n)}  {metrics.classes[k].ap50:.3f}" for n, k in zip(few, seen, strict=False)]
    draw_precision_recall(axes, metrics.precision[0][:, seen].T, labels)
    if seen:
        mean = metrics.precision[5][:, seen].mean(axis=1)
        axes.plot(
            RECALL_LEVELS, mean, "--", color=INK, linewidth=1.6, label=f"mean, IoU 0.75  {mean.mean():.3f}"
        )
        show_legend(axes, "lower left")
        legend = axes.get_legend()
        match_fonts(legend.get_texts() if legend else [], few)
    save(figure, path)


def draw_precision_recall(axes: Axes, precision: np.ndarray, labels: Sequence[str] = ()) -> None:
    """The curve of every class, in grey where they are many, and their mean.

    Args:
        precision: [K, 101] at IoU 0.5 and RECALL_LEVELS, of classes that have objects.
        labels: of the classes in a legend; none without a legend.
    """
    coloured = len(precision) <= MOST_COLOURED
    for k, row in enumerate(precision):
        colour, width = (SERIES[k], 1.5) if coloured else (FAINT, 0.6)
        axes.plot(
            RECALL_LEVELS, row, color=colour, linewidth=width, label=labels[k] if k < len(labels) else None
        )
    if len(precision) > 1:
        mean = precision.mean(axis=0)
        axes.plot(RECALL_LEVELS, mean, color=INK, linewidth=2.2, label=f"mean, IoU 0.50  {mean.mean():.3f}")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)


def class_ap_figure(metrics: CocoMetrics, path: Path) -> None:
    """A bar for every class, best first: AP, and AP50 behind it. Classes without objects are left out."""
    known = sorted((score for score in metrics.classes if score.ap > -1), key=lambda score: score.ap)
    figure = new_figure(8, 1.6 + 0.24 * max(len(known), 2))
    axes = figure.subplots()
    frame(axes, "AP of every class (objects)")
    rows = np.arange(len(known))
    axes.barh(rows, [score.ap50 for score in known], color="#c6d4f0", label="AP50")
    axes.barh(rows, [score.ap for score in known], height=0.5, color=BLUE, label="AP")
    axes.set_yticks(rows)
    names = [score.name for score in known]
    match_fonts(axes.set_yticklabels(map(written_name, names)), names)
    for row, score in zip(rows, known, strict=True):
        note = f"{score.ap:.3f}  ({score.objects})"
        axes.text(score.ap50 + 0.01, row, note, va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 1.15)
    axes.set_ylim(-0.6, max(len(known), 1) - 0.4)
    show_legend(axes, "lower right")
    save(figure, path)


def confusion_figure(confusion: ConfusionMatrix, path: Path) -> None:
    """What the objects of each class (row) were detected as (column); shades are shares of the row."""
    names = (*confusion.classes, "background")
    counts = confusion.counts
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    few = counts.size <= _MOST_WRITTEN_CELLS
    text = [[str(count) if count else "" for count in row] for row in counts.tolist()] if few else []
    title = f"Confusion at IoU {confusion.iou_threshold:g}, score > {confusion.min_score:g}"
    draw_confusion(path, names, shares, text, title, found="detected")


def draw_confusion(
    path: Path,
    names: Sequence[str],
    shares: np.ndarray,
    text: Sequence[Sequence[str]],
    title: str,
    found: str,
) -> None:
    """A square of shaded cells.

    Args:
        names: of the rows, which are annotated, and of the columns. shares: [n, n], 0-1.
        text: of the cells, n rows of n; empty: nothing is written.
        found: word for the columns.
    """
    side = float(np.clip(2.5 + 0.45 * len(names), 5, 24))
    figure = new_figure(side, side)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)))
    axes.set_yticks(range(len(names)))
    match_fonts(axes.set_xticklabels(map(written_name, names), rotation=90), names)
    match_fonts(axes.set_yticklabels(map(written_name, names)), names)
    _write_cells(axes, text, shares)
    axes.set_title(title)
    axes.set_xlabel(found)
    axes.set_ylabel("annotated")
    save(figure, path)


def threshold_figure(counts: ScoreCounts, path: Path) -> None:
    """Precision, recall and F1 over the score threshold, and how many detections have which score."""
    figure = new_figure(7, 6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    advice = counts.advice()
    frame(above, "Score threshold, all classes together, IoU 0.5")
    draw_thresholds(above, counts.curves(), None if advice is None else advice.score)
    show_legend(above, "lower left")
    frame(below, "Detections by score", "score")
    draw_score_histogram(below, *counts.histogram())
    show_legend(below, "upper right")
    save(figure, path)


def draw_thresholds(axes: Axes, curves: ScoreCurves, advised: float | None) -> None:
    """Three curves over the threshold; a line at the advised one."""
    for values, colour, label in (
        (curves.precision, BLUE, "precision"),
        (curves.recall, ORANGE, "recall"),
        (curves.f1, GREEN, "F1"),
    ):
        axes.plot(curves.scores, values, color=colour, linewidth=2.2 if label == "F1" else 1.4, label=label)
    if advised is not None:
        axes.axvline(advised, color=MUTED, linewidth=1.0, linestyle=(0, (3, 3)))
        axes.annotate(
            f"{advised:.2f}",
            (advised, 1.0),
            (3, -2),
            textcoords="offset points",
            fontsize=8,
            color=MUTED,
            va="top",
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)


def draw_score_histogram(axes: Axes, right: np.ndarray, wrong: np.ndarray) -> None:
    """How many right and wrong detections lie in equal ranges of the score; int [bins] each."""
    edges = np.linspace(0, 1, len(right) + 1)
    for values, colour, label in ((wrong, RED, "false alarms"), (right, GREEN, "hits")):
        axes.stairs(values, edges, color=colour, linewidth=1.4, label=label)
        axes.stairs(values, edges, color=colour, alpha=0.15, fill=True)
    if max(right.max(initial=0), wrong.max(initial=0)) > 0:
        axes.set_yscale("symlog", linthresh=10)
        from matplotlib.ticker import FuncFormatter

        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)


def _write_cells(axes: Axes, text: Sequence[Sequence[str]], shares: np.ndarray) -> None:
    for row, cells in enumerate(text):
        for column, cell in enumerate(cells):
            if cell:
                ink = "white" if shares[row, column] > 0.55 else INK
                axes.text(column, row, cell, ha="center", va="center", color=ink, fontsize=8)


def written_name(name: str) -> str:
    """As the font at hand can write it."""
    return label_font(name, 12)[1]


def match_fonts(texts: Iterable[Text], names: Sequence[str]) -> None:
    """Set the texts that show `names` in fonts that can write them; matplotlib's own, DejaVu, lacks some."""
    from matplotlib.font_manager import FontProperties

    for text, name in zip(texts, names, strict=False):  # a legend has more entries behind the classes
        font, written = label_font(name, 12)
        if not written.isascii() and isinstance(font.path, str) and font.getname()[0] != "DejaVu Sans":
            text.set_fontproperties(FontProperties(fname=font.path, size=text.get_fontsize()))
