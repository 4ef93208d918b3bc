"""Curves and numbers of the training."""

from __future__ import annotations

import numpy as np

from ms_core.report.figures import can_plot, frame, inline_svg, legend_entries, new_figure
from ms_core.report.html import Html, diagram, element, facts, joined, number, table
from ms_core.report.run_facts import RunFacts
from ms_core.report.training import TrainingCurves, training_panels

_WIDTH, _HEIGHT = 3.9, 2.5  # inches; small, so that its text stays legible on a phone
_TABLE_METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR100", "VOC_AP50", "mIoU", "mAcc", "aAcc")
_MOST_ROWS = 15
_CAPTIONS = {
    "Loss": "Thin: as recorded. Bold: running mean.",
    "Parts of the loss": "Thin: as recorded. Bold: running mean.",
    "Evaluation": "Validation while training; the ring marks the best of the first curve.",
    "Learning rate": "",
    "Gradient norm": "Global norm of the gradients before clipping.",
    "Loss scale and skipped steps": "Skipped steps: gradients that overflowed, counted from the start.",
}


def training_section(run: RunFacts) -> Html:
    """Diagrams, then the evaluations while training as a table."""
    curves = run.curves
    if not len(curves.training.epochs):
        return element("p", "No training record yet.", class_="note")
    return joined([_summary(run), _diagrams(curves), _evaluations(run)])


def _summary(run: RunFacts) -> Html:
    values = run.curves.training.values
    loss = values.get("loss", np.zeros(0))
    finite = loss[np.isfinite(loss)]
    skipped, memory = (values.get(name, np.zeros(0)) for name in ("skipped", "memory_mb"))
    resumed = len(run.environment.get("resumed", []))
    batch = run.setting("train", "batch_size")
    return facts(
        [
            ("loss", f"{finite[0]:.3g} at first, {finite[-1]:.3g} at last" if len(finite) else None),
            ("batch size", batch),
            ("optimiser", run.setting("optimizer", "name")),
            ("started from", run.config.get("weights") or "new weights"),
            ("skipped steps", f"{np.nanmax(skipped):.0f}" if np.isfinite(skipped).any() else None),
            ("memory", f"{np.nanmax(memory) / 1024:.1f} GB at most" if np.isfinite(memory).any() else None),
            ("resumed", f"{resumed} time{'s' if resumed > 1 else ''}" if resumed else None),
        ]
    )


def _diagrams(curves: TrainingCurves) -> Html | None:
    if not can_plot():
        return None
    drawn = []
    for place, (title, draw) in enumerate(training_panels(curves).items()):
        canvas = new_figure(_WIDTH, _HEIGHT)
        axes = canvas.subplots()
        frame(axes, x_label=curves.x_label)
        draw(axes, curves)
        svg = inline_svg(canvas, f"training-{place}", f"{title} over the {curves.x_label}s")
        drawn.append(diagram(title, svg, legend_entries(axes), _CAPTIONS[title]))
    return element("div", *drawn, class_="grid")


def _evaluations(run: RunFacts) -> Html | None:
    series = run.curves.evaluations
    names = [name for name in _TABLE_METRICS if series.has(name)]
    if not names:
        return None
    metric = str(run.setting("train", "best_metric") or names[0])
    ranking = series.values.get(metric, np.zeros(0))
    best = int(np.nanargmax(ranking)) if np.isfinite(ranking).any() else -1
    rows = []
    for place in _shown_rows(len(series.epochs), best):
        cells: list[object] = [f"{series.epochs[place]:.4g}"]
        cells += [number(float(series.values[name][place])) for name in names]
        if place == best:
            cells = [element("strong", cell) for cell in cells]
        rows.append(cells)
    words = f"Bold: best {metric}, kept as best.ckpt."
    caption = element("p", words, class_="note") if best >= 0 else None
    heading = element("h3", "Evaluations while training")
    return joined([heading, table([run.curves.x_label, *names], rows), caption])


def _shown_rows(count: int, best: int) -> list[int]:
    """At most about _MOST_ROWS, evenly, with the first, the best and the last."""
    chosen = set(np.linspace(0, count - 1, min(count, _MOST_ROWS)).round().astype(int).tolist())
    return sorted(chosen | ({best} if best >= 0 else set()))
