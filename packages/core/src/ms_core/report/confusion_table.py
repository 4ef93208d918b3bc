"""A confusion matrix that stays legible: all of it for few classes, the mixed-up part of it for many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ms_core.report.html import Html, count, element, joined, table

MOST_CLASSES = 20
"""Classes in the matrix; of more, those with the most mistakes."""
_MOST_PAIRS = 12
_LEAST_SHARE = 0.005
"""Of a row, that is written."""


@dataclass(frozen=True, eq=False)
class ShownMatrix:
    """Rows annotated, columns found."""

    names: tuple[str, ...]
    """Of its rows and columns; of objects, the last is background."""
    counts: np.ndarray
    """int64, square."""
    hidden: int = 0
    """Classes left out; what they were taken for is in the row "other classes"."""


def focus(classes: list[str], counts: np.ndarray, most: int = MOST_CLASSES) -> ShownMatrix:
    """The matrix of the classes with the most mistakes, in their old order; the others are added up.

    Args:
        classes: K names. counts: int [K + 1, K + 1], background last, or [K, K] where there is none.
        most: classes to keep.
    """
    background = ("background",) if len(counts) > len(classes) else ()
    if len(classes) <= most:
        return ShownMatrix((*classes, *background), counts)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    mistakes = (wrong.sum(axis=0) + wrong.sum(axis=1))[: len(classes)]
    kept = np.sort(np.argsort(-mistakes, kind="stable")[:most])
    # group: place of every old row in the new matrix
    group = np.full(len(counts), most)
    group[kept], group[len(classes) :] = np.arange(most), most + 1
    smaller = np.zeros((most + 1 + len(background),) * 2, np.int64)
    np.add.at(smaller, (group[:, None], group[None, :]), counts)
    hidden = len(classes) - most
    names = (*(classes[k] for k in kept), f"{hidden} other classes", *background)
    return ShownMatrix(names, smaller, hidden)


def mixed_up(
    classes: list[str], counts: np.ndarray, most: int = _MOST_PAIRS, *, by_share: bool = False
) -> list[tuple[str, str, int, float]]:
    """(annotated, found as, times, share of the annotated class) of the classes most often taken for another.

    Args:
        classes: K names. counts: int [K + 1, K + 1] or [K, K], see `focus`.
        most: pairs.
        by_share: those first that take most of their class; else the most frequent ones.
    """
    inner = counts[: len(classes), : len(classes)].copy()
    np.fill_diagonal(inner, 0)
    shares = inner / np.maximum(counts[: len(classes)].sum(axis=1, keepdims=True), 1)
    order = np.argsort(-(shares if by_share else inner), axis=None, kind="stable")[:most]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, inner.shape), strict=True)]
    return [(classes[i], classes[j], int(inner[i, j]), float(shares[i, j])) for i, j in pairs if inner[i, j]]


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


def pixel_confusion_block(classes: list[str], counts: np.ndarray) -> Html:
    """The same for pixels: shares instead of counts, which nobody could read.

    Args:
        classes: K names. counts: int64 [K, K], pixels; rows annotated, columns predicted.
    """
    shown = focus(classes, counts)
    words = (
        "Rows: annotated. Columns: predicted. Percent of the row's pixels; empty: less than half a percent."
    )
    if shown.hidden:
        words += (
            f" The {MOST_CLASSES} of {len(classes)} classes with the most mistakes; confusion.png has all."
        )
    head = ("annotated", "predicted as", "of its pixels")
    pairs = mixed_up(classes, counts, by_share=True)
    rows = [(true, found, f"{100 * share:.1f} %") for true, found, _, share in pairs]
    return joined(
        [
            element("h3", "Confusion matrix"),
            _table(shown.names, shown.names, shown.counts, lambda _, share: _share_cell(share)),
            element("p", words, class_="note"),
            _pairs_block(head, rows),
        ]
    )


def _matrix(shown: ShownMatrix) -> Html:
    return _table(_headed(shown, "missed"), _headed(shown, "false alarms"), shown.counts, _cell)


def _table(
    columns: Sequence[str], rows: Sequence[str], counts: np.ndarray, cell: Callable[[int, float], Html]
) -> Html:
    """`cell` is given a count and its share of the row."""
    head = [element("th", element("span", name), scope="col", title=name) for name in columns]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    body = []
    for name, values, parts in zip(rows, counts.tolist(), shares.tolist(), strict=True):
        cells = map(cell, values, parts)
        body.append(element("tr", element("th", name, scope="row", title=name), *cells))
    whole = element(
        "table",
        element("thead", element("tr", element("td", class_="corner"), *head)),
        element("tbody", *body),
        class_="matrix",
    )
    return element("div", whole, class_="scroll")


def _headed(shown: ShownMatrix, background: str) -> tuple[str, ...]:
    return (*shown.names[:-1], background)


def _cell(value: int, share: float) -> Html:
    return _shaded(count(value), share) if value else element("td", "0", class_="zero")


def _share_cell(share: float) -> Html:
    return (
        _shaded(f"{100 * share:.0f}", share) if share >= _LEAST_SHARE else element("td", "0", class_="zero")
    )


def _shaded(text: str, share: float) -> Html:
    style = f"--share:{0.08 + 0.92 * share:.2f}"
    return element("td", text, style=style, class_="strong" if share > 0.5 else None)


def _pairs(classes: list[str], counts: np.ndarray) -> Html | None:
    pairs = mixed_up(classes, counts)
    rows = [(true, found, count(times), f"{100 * share:.1f} %") for true, found, times, share in pairs]
    return _pairs_block(("annotated", "detected as", "times", "of its objects"), rows)


def _pairs_block(head: tuple[str, ...], rows: Sequence[Sequence[str]]) -> Html | None:
    if not rows:
        return None
    return joined([element("h3", "Most often mixed up"), table(head, rows, words=frozenset({0, 1}))])
