"""One evaluation of a detector: numbers, classes, curves, thresholds, confusion, best and worst images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ms_core.draw_outcomes import LEGEND
from ms_core.evaluation.coco_metrics import STAT_NAMES
from ms_core.evaluation.thresholds import ScoreCurves
from ms_core.report.confusion_table import confusion_block
from ms_core.report.evaluation import (
    MOST_COLOURED,
    draw_precision_recall,
    draw_score_histogram,
    draw_thresholds,
)
from ms_core.report.evaluation_folder import EvaluationFolder, picture_caption
from ms_core.report.figures import can_plot, frame, inline_svg, legend_entries, new_figure
from ms_core.report.html import (
    Html,
    bar,
    count,
    diagram,
    element,
    facts,
    joined,
    number,
    table,
)
from ms_core.report.pictures import extreme_pictures
from ms_core.report.run_facts import RunFacts

_WIDTH, _HEIGHT = 3.9, 2.9  # inches
_CURVE_KEYS = ("scores", "precision", "recall", "f1")
_STATS = {
    "AP": "IoU .50:.95, the mAP of COCO",
    "AP50": "IoU .50",
    "AP75": "IoU .75",
    "APs": "small objects",
    "APm": "medium objects",
    "APl": "large objects",
    "AR1": "recall, 1 detection an image",
    "AR10": "recall, 10 detections",
    "AR100": "recall, 100 detections",
    "ARs": "recall, small",
    "ARm": "recall, medium",
    "ARl": "recall, large",
}


def evaluation_section(evaluation: EvaluationFolder, run: RunFacts, place: int, picture_bytes: int) -> Html:
    """Args:
    place: number of the evaluation in the page.
    picture_bytes: most that its pictures may take.
    """
    return joined(
        [
            _about(evaluation),
            _numbers(evaluation.metrics),
            _advice(evaluation.metrics, run),
            _diagrams(evaluation, place),
            _classes(evaluation),
            _confusion(evaluation),
            *_pictures(evaluation, picture_bytes),
        ]
    )


def _about(evaluation: EvaluationFolder) -> Html:
    metrics = evaluation.metrics
    seconds = metrics.get("seconds")
    return facts(
        [
            ("data", metrics.get("data")),
            ("images", count(metrics.get("images"))),
            ("checkpoint", metrics.get("checkpoint")),
            ("took", f"{seconds} s" if seconds is not None else None),
        ]
    )


def _numbers(metrics: dict[str, Any]) -> Html:
    names = [name for name in STAT_NAMES if name in metrics]
    rows = [(element("strong", name), _STATS[name], _with_bar(metrics[name])) for name in names]
    if metrics.get("VOC_AP50") is not None:
        rows.append((element("strong", "VOC AP50"), "VOC's own rule", _with_bar(metrics["VOC_AP50"])))
    half = (len(rows) + 1) // 2
    tables = [
        table(("", "measured at", ""), part, words=frozenset({0, 1})) for part in (rows[:half], rows[half:])
    ]
    return element("div", *tables, class_="halves")


def _advice(metrics: dict[str, Any], run: RunFacts) -> Html | None:
    advice = metrics.get("threshold")
    if not advice:
        return None
    score = f"{advice['score']:.2f}"
    return joined(
        [
            element("h3", "Which score to trust"),
            element(
                "p",
                "Showing detections with a score above ",
                element("strong", score),
                f" gives the best F1 over all classes, {number(advice['f1'])}: {100 * advice['precision']:.0f} % of "
                f"what is shown is right, and {100 * advice['recall']:.0f} % of the objects are found (IoU 0.5). "
                "Chosen on these very images, so take it from validation, not from test data.",
            ),
            element(
                "pre", run.command_on_run("predict", "photo.jpg", "--min-score", score, "--out", "drawn")
            ),
        ]
    )


def _diagrams(evaluation: EvaluationFolder, place: int) -> Html | None:
    if not can_plot():
        return None
    drawn = [
        _precision_recall(evaluation.precision_recall, f"pr-{place}"),
        _thresholds(evaluation, f"thresholds-{place}"),
        _score_histogram(evaluation.score_curves, f"scores-{place}"),
    ]
    return element("div", *drawn, class_="grid") if any(drawn) else None


def _precision_recall(curves: dict[str, list[float]], name: str) -> Html | None:
    seen = {name: row for name, row in curves.items() if max(row, default=-1) >= 0}
    if not seen:
        return None
    canvas = new_figure(_WIDTH, _HEIGHT)
    axes = canvas.subplots()
    frame(axes, x_label="recall", y_label="precision")
    draw_precision_recall(axes, np.array(list(seen.values())))
    svg = inline_svg(canvas, name, "Precision over recall at IoU 0.5")
    few = len(seen) <= MOST_COLOURED
    words = "IoU 0.5." + ("" if few else f" Grey: each of {len(seen)} classes.")
    words += " Bold: mean." if len(seen) > 1 else ""
    names = [(name, f"var(--series-{k})") for k, name in enumerate(seen)] if few else []
    return diagram("Precision over recall", svg, names, words)


def _thresholds(evaluation: EvaluationFolder, name: str) -> Html | None:
    stored = evaluation.score_curves
    if not stored:
        return None
    parts = (np.array([np.nan if v is None else v for v in stored[key]]) for key in _CURVE_KEYS)
    advice = evaluation.metrics.get("threshold")
    canvas = new_figure(_WIDTH, _HEIGHT)
    axes = canvas.subplots()
    frame(axes, x_label="score threshold")
    draw_thresholds(axes, ScoreCurves(*parts), advice["score"] if advice else None)
    svg = inline_svg(canvas, name, "Precision, recall and F1 over the score threshold")
    words = "All classes together, IoU 0.5. Broken line: best F1."
    return diagram("Score threshold", svg, legend_entries(axes), words)


def _score_histogram(stored: dict[str, Any], name: str) -> Html | None:
    if not stored:
        return None
    canvas = new_figure(_WIDTH, _HEIGHT)
    axes = canvas.subplots()
    frame(axes, x_label="score", y_label="detections")
    draw_score_histogram(axes, np.array(stored["hits"]), np.array(stored["false_alarms"]))
    svg = inline_svg(canvas, name, "Hits and false alarms by score")
    words = "How surely the network is right: hits should lie right, false alarms left. Counts on a logarithmic axis."
    return diagram("Detections by score", svg, legend_entries(axes), words)


def _classes(evaluation: EvaluationFolder) -> Html | None:
    entries = evaluation.metrics.get("per_class", [])
    if not entries:
        return None
    colours = _colours(evaluation)
    ranked = sorted(entries, key=lambda entry: -1 if entry["AP"] is None else entry["AP"], reverse=True)
    advised = any(entry.get("threshold") for entry in entries)
    head = ["class", "objects", "AP", "AP50"]
    if advised:
        head += ["best F1", "at score", "precision", "recall"]
    known = [entry for entry in ranked if entry["AP"] is not None]
    rows = [_class_row(entry, colours.get(entry["name"]), advised) for entry in known]
    words = "Best AP first."
    if advised:
        words += " Best F1: at the score threshold that suits the class most, IoU 0.5."
    if len(known) < len(ranked):
        words += f" Without an object here: {', '.join(entry['name'] for entry in ranked[len(known) :])}."
    return joined([element("h3", "Classes"), table(head, rows), element("p", words, class_="note")])


def _class_row(entry: dict[str, Any], colour: Html | None, advised: bool) -> list[object]:
    row: list[object] = [
        joined([colour, entry["name"]]),
        count(entry["objects"]),
        _with_bar(entry["AP"]),
        number(entry["AP50"]),
    ]
    advice = entry.get("threshold") or {}
    if advised:
        row += [number(advice.get("f1"))]
        row += [number(advice.get(key), 2) for key in ("score", "precision", "recall")]
    return row


def _with_bar(share: float | None) -> Html:
    return joined([None if share is None else bar(share), number(share)])


def _colours(evaluation: EvaluationFolder) -> dict[str, Html]:
    """Swatches of the classes that have a colour in the diagram."""
    seen = [name for name, row in evaluation.precision_recall.items() if max(row, default=-1) >= 0]
    return (
        {name: _swatch(k) for k, name in enumerate(seen)} if len(seen) <= MOST_COLOURED and can_plot() else {}
    )


def _swatch(series: int) -> Html:
    return element("span", class_="swatch", style=f"--tint:var(--series-{series})")


def _confusion(evaluation: EvaluationFolder) -> Html | None:
    stored = evaluation.confusion
    if not stored:
        return None
    return confusion_block(
        stored["classes"], np.array(stored["counts"], np.int64), stored["iou"], stored["min_score"]
    )


def _pictures(evaluation: EvaluationFolder, picture_bytes: int) -> list[Html]:
    if "shown_score" not in evaluation.metrics:
        return []
    key = _picture_key(evaluation.metrics["shown_score"])
    shown = "Annotated objects left, detections right."
    return extreme_pictures(evaluation, picture_bytes, picture_caption, shown, key)


def _picture_key(shown_score: float) -> Html:
    entries = [
        element(
            "li",
            element("span", class_="box dashed" if dashed else "box", style=f"--tint:rgb{colour}"),
            meaning,
        )
        for colour, dashed, meaning in LEGEND
    ]
    words = (
        f"Left: annotated. Right: detected with a score above {shown_score:g}. Ranked by F1 at IoU 0.5, "
        "then by the mean IoU of what was found."
    )
    return joined([element("p", words, class_="note"), element("ul", *entries, class_="key")])
