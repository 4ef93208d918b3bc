"""Figures of a segmentation evaluation: IoU of every class, confusion matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ms_core.evaluation.semantic import SemanticMetrics
from ms_core.report.evaluation import draw_confusion, match_fonts, written_name
from ms_core.report.figures import BLUE, INK, MUTED, frame, new_figure, save

_MOST_WRITTEN = 26


def class_iou_figure(metrics: SemanticMetrics, path: Path) -> None:
    """A bar for every class, best first: IoU, a mark at its accuracy, a line at the mean IoU.

    Classes that neither truth nor prediction has are left out.
    """
    iou, accuracy = metrics.iou, metrics.accuracy
    known = [int(k) for k in np.argsort(iou, kind="stable") if not np.isnan(iou[k])]
    figure = new_figure(8, 1.6 + 0.24 * max(len(known), 2))
    axes = figure.subplots()
    frame(axes, "IoU of every class")
    rows = np.arange(len(known))
    axes.barh(rows, iou[known], height=0.6, color=BLUE, label="IoU")
    axes.plot(accuracy[known], rows, "|", color=INK, markersize=9, markeredgewidth=1.6, label="accuracy")
    if known:
        axes.axvline(metrics.miou, color=MUTED, linewidth=1.0, linestyle=(0, (3, 3)))
    axes.set_yticks(rows)
    names = [metrics.classes[k] for k in known]
    match_fonts(axes.set_yticklabels([written_name(name) for name in names]), names)
    for row, k in enumerate(known):
        axes.text(1.02, row, f"{iou[k]:.3f}", va="center", fontsize=8, color=INK)
    axes.set_xlim(0, 1.12)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_ylim(-0.6, max(len(known), 1) - 0.4)
    # Below the diagram: every place within it may have a bar.
    axes.set_xlabel(
        f"bar: IoU; mark: accuracy; broken line: mIoU {metrics.miou:.3f}", fontsize=8, color=MUTED
    )
    save(figure, path)


def pixel_confusion_figure(metrics: SemanticMetrics, path: Path) -> None:
    """What the pixels of each class (row) were predicted as (column): shares of the row, in percent."""
    counts = metrics.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    few = len(metrics.classes) <= _MOST_WRITTEN
    text = (
        [[f"{100 * share:.0f}" if share >= 0.005 else "" for share in row] for row in shares] if few else []
    )
    draw_confusion(path, metrics.classes, shares, text, "Percent of each row's pixels", found="predicted")
