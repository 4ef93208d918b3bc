"""Figures of a run: loss and learning rate, precision over recall, AP of every class, confusion matrix.

matplotlib is an extra and is imported when a figure is made.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ms_core.atomic import atomic_write
from ms_core.draw import class_colour
from ms_core.errors import UserError
from ms_core.evaluation.coco_metrics import RECALL_LEVELS, CocoMetrics
from ms_core.evaluation.confusion import ConfusionMatrix
from ms_core.label_font import label_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

_MOST_LEGEND_ENTRIES = 12
_MOST_WRITTEN_CELLS = 26 * 26
_INK = "#333333"


def training_figure(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Losses, learning rate and evaluation results over the steps of a run.

    Args:
        records: what `RunFolder.read_metrics` returns: kind "train" with step, loss, loss_..., lr; kind
            "evaluation" with step and metrics. Null values leave a gap.
        path: picture to write; .png, .svg or .pdf.

    Raises:
        UserError: no training record, matplotlib is missing, or the file cannot be written.
    """
    records = list(records)
    training = [record for record in records if record.get("kind") == "train"]
    evaluations = [record for record in records if record.get("kind") == "evaluation"]
    if not training:
        raise UserError(f"{path}: there is nothing to draw: the run has no training record yet.")
    figure = _figure(8, 9 if evaluations else 6)
    panels = figure.subplots(3 if evaluations else 2, 1, sharex=True, squeeze=False)[:, 0]
    losses = [name for name in training[0] if name == "loss" or name.startswith("loss_")]
    for name in losses:
        _line(panels[0], training, name, bold=name == "loss")
    panels[0].legend(frameon=False, fontsize=8)
    _titled(panels[0], "Loss", "")
    _line(panels[1], training, "lr")
    _titled(panels[1], "Learning rate", "" if evaluations else "step")
    if evaluations:
        for name in ("AP", "AP50", "AP75", "VOC_AP50", "mIoU"):
            if any(name in record for record in evaluations):
                _line(panels[2], evaluations, name, marker="o")
        panels[2].legend(frameon=False, fontsize=8)
        _titled(panels[2], "Evaluation", "step")
        panels[2].set_ylim(0, 1)
    _save(figure, path)


def precision_recall_figure(metrics: CocoMetrics, path: Path) -> None:
    """Precision over recall at IoU 0.5 of every class, and their mean at IoU 0.5 and 0.75."""
    figure = _figure(7, 6)
    axes = figure.subplots()
    seen = [k for k, score in enumerate(metrics.classes) if score.ap > -1]
    _titled(axes, "Precision over recall", "recall")
    axes.set_ylabel("precision")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    if seen:
        few = seen if len(seen) <= _MOST_LEGEND_ENTRIES else []
        _plot_curves(axes, metrics, seen, named=bool(few))
        legend = axes.legend(frameon=False, fontsize=8, loc="lower left")
        _match_fonts(legend.get_texts(), [metrics.classes[k].name for k in few])
    _save(figure, path)


def _plot_curves(axes: Axes, metrics: CocoMetrics, seen: Sequence[int], *, named: bool) -> None:
    """The curves of the classes `seen`, in grey and nameless where they are many, and the means."""
    for k in seen:
        label = f"{_written(metrics.classes[k].name)}  {metrics.classes[k].ap50:.3f}" if named else None
        colour, width = (_colour(k), 1.2) if named else ("#BBBBBB", 0.6)
        axes.plot(RECALL_LEVELS, metrics.precision[0, :, k], color=colour, linewidth=width, label=label)
    for threshold, name, style in ((0, "IoU 0.50", "-"), (5, "IoU 0.75", "--")):
        mean = metrics.precision[threshold][:, seen].mean(axis=1)
        label = f"mean, {name}  {mean.mean():.3f}"
        axes.plot(RECALL_LEVELS, mean, style, color=_INK, linewidth=2.4, label=label)


def class_ap_figure(metrics: CocoMetrics, path: Path) -> None:
    """A bar for every class, best first: AP, and AP50 behind it. Classes without objects are left out."""
    known = sorted((score for score in metrics.classes if score.ap > -1), key=lambda score: score.ap)
    figure = _figure(8, 1.6 + 0.24 * max(len(known), 2))
    axes = figure.subplots()
    rows = np.arange(len(known))
    axes.barh(rows, [score.ap50 for score in known], color="#C6D4F0", label="AP50")
    axes.barh(rows, [score.ap for score in known], height=0.5, color="#2F5FC4", label="AP")
    axes.set_yticks(rows)
    names = [score.name for score in known]
    _match_fonts(axes.set_yticklabels(map(_written, names)), names)
    for row, score in zip(rows, known, strict=True):
        note = f"{score.ap:.3f}  ({score.objects})"
        axes.text(score.ap50 + 0.01, row, note, va="center", fontsize=8, color=_INK)
    axes.set_xlim(0, 1.15)
    axes.set_ylim(-0.6, max(len(known), 1) - 0.4)
    _titled(axes, "AP of every class (objects)", "")
    axes.legend(loc="lower right", frameon=False)
    _save(figure, path)


def confusion_figure(confusion: ConfusionMatrix, path: Path) -> None:
    """What the objects of each class (row) were detected as (column); shades are shares of the row."""
    names = (*confusion.classes, "background")
    counts = confusion.counts
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(2.5 + 0.45 * len(names), 5, 24))
    figure = _figure(side, side)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)))
    axes.set_yticks(range(len(names)))
    _match_fonts(axes.set_xticklabels(map(_written, names), rotation=90), names)
    _match_fonts(axes.set_yticklabels(map(_written, names)), names)
    if counts.size <= _MOST_WRITTEN_CELLS:
        _write_counts(axes, counts, shares)
    axes.set_title(f"Confusion at IoU {confusion.iou_threshold:g}, score > {confusion.min_score:g}")
    axes.set_xlabel("detected")
    axes.set_ylabel("annotated")
    _save(figure, path)


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if shares[row, column] > 0.55 else _INK
            axes.text(column, row, str(count), ha="center", va="center", color=ink, fontsize=8)


def _figure(width: float, height: float) -> Figure:
    """A figure outside pyplot: no window system, nothing global."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError('figures: matplotlib is not installed. Run: pip install "ms-core[plots]"') from error
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, format=path.suffix.lstrip(".") or None)
    except ValueError as error:
        raise UserError(f"{path}: {path.suffix} is no format for figures. Use .png, .svg or .pdf.") from error
    with atomic_write(path, binary=True) as file:
        file.write(buffer.getvalue())


def _line(
    axes: Axes, records: Sequence[Mapping[str, Any]], name: str, *, bold: bool = True, marker: str = ""
) -> None:
    steps = [record["step"] for record in records]
    values = [np.nan if record.get(name) is None else record[name] for record in records]
    axes.plot(steps, values, label=name, linewidth=1.8 if bold else 1.0, marker=marker, markersize=4)


def _titled(axes: Axes, title: str, x_label: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x_label)
    axes.grid(color="#E5E5E5", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _written(name: str) -> str:
    return label_font(name, 12)[1]


def _match_fonts(texts: Iterable[Text], names: Sequence[str]) -> None:
    """Set the texts that show `names` in fonts that can write them; matplotlib's own, DejaVu, lacks some."""
    from matplotlib.font_manager import FontProperties

    for text, name in zip(texts, names, strict=False):  # a legend has more entries behind the classes
        font, written = label_font(name, 12)
        if not written.isascii() and isinstance(font.path, str) and font.getname()[0] != "DejaVu Sans":
            text.set_fontproperties(FontProperties(fname=font.path, size=text.get_fontsize()))


def _colour(label: int) -> tuple[float, float, float]:
    red, green, blue = class_colour(label)
    return red / 255 * 0.85, green / 255 * 0.85, blue / 255 * 0.85
