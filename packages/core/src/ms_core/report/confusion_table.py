"""A confusion matrix that stays legible: all of it for few classes, the mixed-up part of it for many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ms_core.report.html import Html, count, element, joined, table

MOST_CLASSES = 20
"""Classes in the matrix; of more, those with the most mistakes."""
_MOST_PAIRS = 12


@dataclass(frozen=True, eq=False)
class ShownMatrix:
    """Rows annotated, columns detected; the last of each is background."""

    names: tuple[str, ...]
    counts: np.ndarray
    """int64 [K + 1, K + 1]."""
    hidden: int = 0
    """Classes left out; what they were taken for is in the row "other classes"."""


def focus(classes: list[str], counts: np.ndarray, most: int = MOST_CLASSES) -> ShownMatrix:
    """The matrix of the classes with the most mistakes, in their old order; the others are added up.

    Args:
        classes: K names. counts: int [K + 1, K + 1], background last.
        most: classes to keep.
    """
    if len(classes) <= most:
        return ShownMatrix((*classes, "background"), counts)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    mistakes = (wrong.sum(axis=0) + wrong.sum(axis=1))[:-1]
    kept = np.sort(np.argsort(-mistakes, kind="stable")[:most])
    # group: place of every old row in the new matrix
    group = np.full(len(classes) + 1, most)
    group[kept], group[-1] = np.arange(most), most + 1
    smaller = np.zeros((most + 2, most + 2), np.int64)
    np.add.at(smaller, (group[:, None], group[None, :]), counts)
    hidden = len(classes) - most
    names = (*(classes[k] for k in kept), f"{hidden} other classes", "background")
    return ShownMatrix(names, smaller, hidden)


def mixed_up(
    classes: list[str], counts: np.ndarray, most: int = _MOST_PAIRS
) -> list[tuple[str, str, int, float]]:
    """(annotated, detected as, times, share of the annotated class) of the classes most often taken for another."""
    inner = counts[:-1, :-1].copy()
    np.fill_diagonal(inner, 0)
    totals = counts[:-1].sum(axis=1)
    order = np.argsort(-inner, axis=None, kind="stable")[:most]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, inner.shape), strict=True)]
    return [
        (classes[i], classes[j], int(inner[i, j]), float(inner[i, j] / totals[i]))
        for i, j in pairs
        if inner[i, j]
    ]


def confusion_block(classes: list[str], counts: np.ndarray, iou: float, min_score: float) -> Html:
    """Heading, matrix, and the pairs most often mixed up."""
    shown = focus(classes, counts)
    words = (
        f"Rows: annotated. Columns: detected. Detections with a score above {min_score:g}, paired at IoU {iou:g} "
        "whatever their class. Last column: missed. Last row: false alarms. Shade: share of the row."
    )
    if shown.hidden:
        words += (
            f" The {MOST_CLASSES} of {len(classes)} classes with the most mistakes; confusion.png has all."
        )
    return joined(
        [
            element("h3", "Confusion matrix"),
            _matrix(shown),
            element("p", words, class_="note"),
            _pairs(classes, counts),
        ]
    )


def _matrix(shown: ShownMatrix) -> Html:
    head = [
        element("th", element("span", name), scope="col", title=name) for name in _headed(shown, "missed")
    ]
    rows = []
    totals = np.maximum(shown.counts.sum(axis=1, keepdims=True), 1)
    for name, row, shares in zip(
        _headed(shown, "false alarms"), shown.counts, shown.counts / totals, strict=True
    ):
        cells = [_cell(int(value), float(share)) for value, share in zip(row, shares, strict=True)]
        rows.append(element("tr", element("th", name, scope="row", title=name), *cells))
    whole = element(
        "table",
        element("thead", element("tr", element("td", class_="corner"), *head)),
        element("tbody", *rows),
        class_="matrix",
    )
    return element("div", whole, class_="scroll")


def _headed(shown: ShownMatrix, background: str) -> tuple[str, ...]:
    return (*shown.names[:-1], background)


def _cell(value: int, share: float) -> Html:
    if not value:
        return element("td", "0", class_="zero")
    style = f"--share:{0.08 + 0.92 * share:.2f}"
    return element("td", count(value), style=style, class_="strong" if share > 0.5 else None)


def _pairs(classes: list[str], counts: np.ndarray) -> Html | None:
    pairs = mixed_up(classes, counts)
    if len(classes) < 2 or not pairs:
        return None
    rows = [(true, found, count(times), f"{100 * share:.1f} %") for true, found, times, share in pairs]
    head = ("annotated", "detected as", "times", "of its objects")
    return joined([element("h3", "Most often mixed up"), table(head, rows, words=frozenset({0, 1}))])
