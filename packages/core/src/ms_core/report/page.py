"""report.html of a run: one file with everything in it, to look at, to send, to print."""

from __future__ import annotations

import math
import shlex
from datetime import datetime, timezone
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from ms_core import __version__
from ms_core.atomic import atomic_write
from ms_core.report.figures import can_plot
from ms_core.report.html import Html, count, element, escaped, joined, number
from ms_core.report.kinds import kind_of_data, kind_of_evaluation
from ms_core.report.run_facts import RunFacts, read_run
from ms_core.report.run_section import configuration_section, environment_section, reproduce_section
from ms_core.report.training import training_figure
from ms_core.report.training_section import training_section
from ms_core.run_folder import RunFolder

PICTURE_BYTES = 2_400_000
"""All best and worst images of a page together, before they are written as text."""

Section = tuple[str, str, Html]
"""Anchor, heading, content."""


def write_report(run: RunFolder) -> Path:
    """Write report.html and figures/training.png into a run folder, from what lies in it.

    Without matplotlib the page comes without diagrams and says so. Only the main process writes.

    Raises:
        UserError: no run folder, a damaged file in it, or the system refuses to write.
    """
    if run.is_main:
        facts = read_run(run)
        if can_plot() and len(facts.curves.training.epochs):
            run.figures.mkdir(exist_ok=True)
            training_figure(run.read_metrics(), run.figures / "training.png")
        page = report_page(facts)
        with atomic_write(run.report_path) as file:
            file.write(page)
    return run.report_path


def report_page(facts: RunFacts) -> str:
    """The page as text."""
    sections = _sections(facts)
    body = joined(
        [
            element("header", *_header(facts), _navigation(sections)),
            element("main", *(_section(*section) for section in sections)),
            element("footer", f"Written {_now()} by ms-core {__version__} from {facts.path.absolute()}"),
        ]
    )
    return whole_page(f"{facts.name}: {facts.model}", body)


def whole_page(title: str, body: Html) -> str:
    """A page of one file, styles included."""
    return Template(_asset("page.html")).substitute(
        title=escaped(title),
        generator=escaped(f"ms-core {__version__}"),
        style=_asset("style.css"),
        body=body,
    )


def _sections(facts: RunFacts) -> list[Section]:
    share = PICTURE_BYTES // max(len(facts.evaluations), 1)
    sections = [("training", "Training", training_section(facts))]
    for number_, evaluation in enumerate(facts.evaluations):
        title = f"Evaluation: {evaluation.name.removeprefix('eval-')}"
        write = kind_of_evaluation(evaluation.metrics).evaluation
        sections.append((f"evaluation-{number_}", title, write(evaluation, facts, number_, share)))
    if facts.data.get("splits"):
        sections.append(("data", "Data", kind_of_data(facts.data).data(facts)))
    sections.append(("configuration", "Configuration", configuration_section(facts)))
    sections.append(("environment", "Environment", environment_section(facts)))
    sections.append(("reproduce", "Reproduce", reproduce_section(facts)))
    return sections


def _section(anchor: str, title: str, content: Html) -> Html:
    return element("section", element("h2", title), content, id=anchor)


def _navigation(sections: list[Section]) -> Html:
    links = [element("a", title, href=f"#{anchor}") for anchor, title, _ in sections]
    return element("nav", *links, aria_label="Sections")


def _header(facts: RunFacts) -> list[Html]:
    parts = [
        element("h1", facts.name),
        element("p", _lead(facts), class_="lead"),
    ]
    missing = _unfinished(facts)
    if missing:
        parts.append(
            element(
                "p",
                f"Not finished: {missing} are on record. Go on with: ",
                element("code", shlex.join([*facts.tool_words, "train", "--resume", str(facts.path)])),
                class_="warning",
            )
        )
    if not can_plot():
        parts.append(
            element(
                "p",
                "No diagrams: matplotlib is not installed. Run ",
                element("code", 'pip install "ms-core[plots]"'),
                ", then ",
                element("code", facts.command_on_run("report")),
                class_="warning",
            )
        )
    parts += [element("p", fault, class_="warning") for fault in facts.faults]
    tiles = [element("div", element("dt", label), element("dd", value)) for label, value in _tiles(facts)]
    parts.append(element("dl", *tiles, class_="tiles"))
    return parts


def _unfinished(facts: RunFacts) -> str:
    """How much of the training is done; empty if all is."""
    if facts.steps:
        done, wanted = facts.curves.last_step, facts.steps
        return f"{count(done)} of {count(wanted)} steps" if done < wanted else ""
    if not facts.epochs or facts.curves.x_label != "epoch" or facts.epochs_done >= facts.epochs:
        return ""
    return f"{math.floor(100 * facts.epochs_done) / 100:g} of {facts.epochs} epochs"


def _lead(facts: RunFacts) -> str:
    words = [facts.model]
    if facts.setting("model", "variant") == "paper":
        words.append("as in its paper")
    classes = facts.data.get("classes", [])
    if classes:
        words.append(f"{len(classes)} class{'es' if len(classes) != 1 else ''}")
    if facts.device:
        words.append(f"trained on {facts.device}")
    started = str(facts.environment.get("time", ""))[:10]
    return " · ".join([*words, *([started] if started else [])])


def _tiles(facts: RunFacts) -> list[tuple[str, str]]:
    """The numbers that everybody asks for first."""
    tiles: list[tuple[str, str]] = []
    for evaluation in facts.evaluations[:2]:
        tiles += kind_of_evaluation(evaluation.metrics).tiles_of(evaluation)
    if not tiles:
        tiles += _best_while_training(facts)
    if facts.steps:
        tiles.append(("steps", count(facts.curves.last_step)))
    tiles.append(("epochs", f"{facts.epochs_done:.4g}"))
    train = facts.data.get("splits", {}).get("train", {})
    tiles.append(("training images", count(train.get("images"))))
    speed = facts.curves.training.values.get("images_per_second", np.zeros(0))
    if np.isfinite(speed).any():
        tiles.append(("images/s, median", f"{np.nanmedian(speed):.3g}"))
    return [(label, value) for label, value in tiles if value != "–"]


def _best_while_training(facts: RunFacts) -> list[tuple[str, str]]:
    series = facts.curves.evaluations
    metric = str(facts.setting("train", "best_metric") or next(iter(facts.curves.metrics), "AP"))
    if not series.has(metric):
        return []
    best = int(np.nanargmax(series.values[metric]))
    title = f"best {metric} while training, {facts.curves.x_label} {series.epochs[best]:.4g}"
    return [(title, number(float(series.values[metric][best])))]


def _asset(name: str) -> str:
    return files("ms_core.report").joinpath(name).read_text(encoding="utf-8")


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
