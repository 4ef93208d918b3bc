"""AP of every class as the old log prints it: a table of six columns, three classes to a row."""

from __future__ import annotations

from collections.abc import Sequence

from ms_core.evaluation.coco_metrics import CocoMetrics

_CLASSES_A_ROW = 3


def category_table(metrics: CocoMetrics, names: Sequence[str]) -> list[str]:
    """`Per-category bbox AP:` and below it a table; AP in percent, `nan` for a class without an object.

    Args:
        metrics: of an evaluation.
        names: the classes to show, in this order; at least one.
    """
    values = {score.name: score.ap for score in metrics.classes}
    cells = [(name, _percent(values[name])) for name in names]
    across = min(_CLASSES_A_ROW, len(cells))
    cells += [("", "")] * (-len(cells) % across)
    rows = [[("category", "AP")] * across, *(cells[i : i + across] for i in range(0, len(cells), across))]
    texts = [[text for cell in row for text in cell] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(*texts, strict=True)]
    ruler = [":" + "-" * (width - 1) for width in widths]
    return ["Per-category bbox AP:", *(_line(row, widths) for row in (texts[0], ruler, *texts[1:]))]


def _percent(value: float) -> str:
    return "nan" if value < 0 else f"{100 * value:.3f}"


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)) + " |"
