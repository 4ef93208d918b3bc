"""report.html of a study: the table of means, a diagram over the shots, a row for every fine-tuning."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ms_core.atomic import atomic_write
from ms_core.report.figures import SERIES, can_plot, frame, inline_svg, legend_entries, new_figure
from ms_core.report.html import Html, diagram, element, facts, joined, table
from ms_core.report.page import whole_page

from ms_defrcn.study_table import Score, in_order, metrics_of, shown, summary

_DRAWN = {"nAP": "novel classes", "bAP": "base classes", "AP": "all classes"}
"""Metrics in the diagram and their labels; AP is left out where it is that of the novel classes."""


def write_study_report(path: Path, study: Mapping[str, Any], scores: Sequence[Score]) -> None:
    """Write the page; without matplotlib it comes without the diagram.

    Args:
        path: of the page.
        study: mode, split, base and settings, as study.json has them.
        scores: what is finished.

    Raises:
        UserError: the system refuses to write.
    """
    body = joined(
        [
            _header(path, study, scores),
            element("main", *(_section(title, content) for title, content in _sections(study, scores))),
        ]
    )
    with atomic_write(path) as file:
        file.write(whole_page(f"{path.parent.name}: few-shot study", body))


def _header(path: Path, study: Mapping[str, Any], scores: Sequence[Score]) -> Html:
    mode = {"fsod": "novel classes only", "gfsod": "base and novel classes"}
    words = [
        f"{study.get('mode')}: {mode.get(str(study.get('mode')), '')}",
        f"{len(scores)} fine-tuning{'s' if len(scores) != 1 else ''}",
        f"measured on {study.get('split')}",
        f"calibration of scores {'on' if _setting(study, 'pcb.enabled') else 'off'}",
    ]
    title = element("h1", path.parent.absolute().name)
    return element("header", title, element("p", " · ".join(words), class_="lead"))


def _sections(study: Mapping[str, Any], scores: Sequence[Score]) -> list[tuple[str, Html]]:
    return [
        ("Means and 95 % intervals", joined([_means(scores), _curves(scores)])),
        ("Every fine-tuning", _rows(scores)),
        ("Settings", _settings(study)),
    ]


def _section(title: str, content: Html) -> Html:
    return element("section", element("h2", title), content)


def _means(scores: Sequence[Score]) -> Html:
    names = metrics_of(scores)
    rows = [
        [shots, sum(s.cell.shots == shots for s in scores), *(shown(row.get(name)) for name in names)]
        for shots, row in summary(scores).items()
    ]
    note = (
        "In percent: mean over the seeds ± 1.96 standard deviations / √seeds; a single seed has no interval."
    )
    return joined([element("p", note, class_="note"), table(["shots", "seeds", *names], rows)])


def _curves(scores: Sequence[Score]) -> Html | None:
    """AP over the number of shots, evenly spaced, with intervals as bars."""
    table_ = summary(scores)
    names = [name for name in _DRAWN if any(name in row for row in table_.values())]
    if "bAP" not in names and "nAP" in names:
        names = ["nAP"]
    if not can_plot() or not names:
        return None
    canvas = new_figure(6.5, 3.6)
    axes = canvas.subplots()
    frame(axes, x_label="shots", y_label="AP, %")

    for place, name in enumerate(names):
        known = [(x, row[name]) for x, row in enumerate(table_.values()) if name in row]
        axes.errorbar(
            [x for x, _ in known],
            [100 * interval.mean for _, interval in known],
            yerr=[100 * (interval.half_width or 0.0) for _, interval in known],
            color=SERIES[place],
            marker="o",
            markersize=4,
            linewidth=1.5,
            capsize=3,
        )
        axes.plot([], [], color=SERIES[place], label=_DRAWN[name])
    axes.set_xticks(range(len(table_)), [str(shots) for shots in table_])
    axes.set_ylim(bottom=0)
    svg = inline_svg(canvas, "study", "AP over the number of shots")
    return diagram(
        "AP over the number of shots", svg, legend_entries(axes), "Bars: 95 % interval of the mean."
    )


def _rows(scores: Sequence[Score]) -> Html:
    names = metrics_of(scores)
    rows = [
        [score.cell.shots, score.cell.seed, *(_percent(score.metrics.get(name)) for name in names)]
        for score in in_order(scores)
    ]
    return table(["shots", "seed", *names], rows)


def _settings(study: Mapping[str, Any]) -> Html:
    settings = study.get("settings", {})
    lines = "\n".join(f"{name}: {value}" for name, value in settings.items())
    about = facts(
        [
            ("base network", shlex.quote(str(study.get("base")))),
            ("its SHA-256", study.get("base_sha256")),
        ]
    )
    return joined([about, element("pre", lines, class_="settings")])


def _setting(study: Mapping[str, Any], name: str) -> Any:
    return study.get("settings", {}).get(name)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"
