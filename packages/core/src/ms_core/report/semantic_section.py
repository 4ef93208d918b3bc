"""One evaluation of a segmentation network: numbers, classes, confusion, best and worst images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ms_core.report.confusion_table import pixel_confusion_block
from ms_core.report.evaluation_folder import EvaluationFolder
from ms_core.report.html import (
    Html,
    bar,
    count,
    element,
    facts,
    joined,
    number,
    percent,
    table,
    with_chip,
)
from ms_core.report.pictures import extreme_pictures
from ms_core.report.run_facts import RunFacts
from ms_core.report.semantic_folder import semantic_caption
from ms_core.segmentation.draw import IGNORED, WRONG

_MEANINGS = (
    (
        "mIoU",
        "mIoU",
        "mean over the classes of their IoU: what is right, of all pixels annotated or predicted so",
    ),
    ("mean accuracy", "mAcc", "mean over the classes of the share of their pixels that was found"),
    ("pixel accuracy", "aAcc", "share of all annotated pixels that is right; large classes decide it"),
)
_MOST_IN_KEY = 40
"""Classes; more are looked up in the table."""


def semantic_section(evaluation: EvaluationFolder, run: RunFacts, place: int, picture_bytes: int) -> Html:
    """Args:
    place: number of the evaluation in the page.
    picture_bytes: most that its pictures may take.
    """
    return joined(
        [
            _about(evaluation.metrics),
            _numbers(evaluation.metrics),
            _classes(evaluation.metrics.get("per_class", [])),
            _confusion(evaluation.confusion),
            *extreme_pictures(
                evaluation,
                picture_bytes,
                semantic_caption,
                "Picture and errors above, annotated and predicted classes below.",
                _picture_key(evaluation.metrics.get("per_class", [])),
            ),
        ]
    )


def _about(metrics: dict[str, Any]) -> Html:
    seconds = metrics.get("seconds")
    return facts(
        [
            ("data", metrics.get("data")),
            ("images", count(metrics.get("images"))),
            ("checkpoint", metrics.get("checkpoint")),
            ("looked at", metrics.get("inference")),
            ("took", f"{seconds} s" if seconds is not None else None),
        ]
    )


def _numbers(metrics: dict[str, Any]) -> Html:
    rows = [
        (element("strong", name), words, _with_bar(metrics.get(entry))) for name, entry, words in _MEANINGS
    ]
    return table(("", "", ""), rows, words=frozenset({0, 1}))


def _classes(entries: list[dict[str, Any]]) -> Html | None:
    """Classes that occur, best IoU first; the names of the others."""
    known = [entry for entry in entries if entry["IoU"] is not None]
    if not known:
        return None
    total = sum(entry["pixels"] for entry in known) or 1
    head = ["class", "pixels", "IoU", "accuracy", "precision"]
    ranked = sorted(known, key=lambda entry: -entry["IoU"])
    rows = [_class_row(entry, total) for entry in ranked]
    words = (
        "Best IoU first. Accuracy: the part of its pixels that was found. Precision: the part of what was "
    )
    words += "predicted so that is right."
    absent = [entry["name"] for entry in entries if entry["IoU"] is None]
    if absent:
        words += f" Neither annotated nor predicted here: {', '.join(absent)}."
    return joined([element("h3", "Classes"), table(head, rows), element("p", words, class_="note")])


def _class_row(entry: dict[str, Any], total: int) -> list[object]:
    predicted = entry.get("predicted_pixels", 0)
    right = (entry["accuracy"] or 0.0) * entry["pixels"]
    return [
        with_chip(entry["name"], entry.get("colour")),
        percent(entry["pixels"], total, digits=2),
        _with_bar(entry["IoU"]),
        number(entry["accuracy"]),
        number(right / predicted if predicted else None),
    ]


def _with_bar(share: float | None) -> Html:
    return joined([None if share is None else bar(share), number(share)])


def _confusion(stored: dict[str, Any]) -> Html | None:
    return pixel_confusion_block(stored["classes"], np.array(stored["counts"], np.int64)) if stored else None


def _picture_key(entries: list[dict[str, Any]]) -> Html:
    words = (
        "Above: the picture, and what is wrong in it. Below: annotated and predicted classes; black is not annotated. "
        "Ranked by the mean IoU of the classes that are annotated in the image."
    )
    classes = [(entry["name"], entry["colour"]) for entry in entries if "colour" in entry]
    shown = classes if len(classes) <= _MOST_IN_KEY else []
    meanings = (("wrong", WRONG), ("does not count", IGNORED))
    items = [element("li", with_chip(name, colour)) for name, colour in (*shown, *meanings)]
    return joined([element("p", words, class_="note"), element("ul", *items, class_="key")])
