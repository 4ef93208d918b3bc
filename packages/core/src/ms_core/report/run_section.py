"""What was run, where, and how to run it again."""

from __future__ import annotations

import shlex

from ms_core.report.html import Html, element, facts, joined, table
from ms_core.report.run_facts import RunFacts


def configuration_section(run: RunFacts) -> Html:
    """The resolved configuration, every value of it."""
    return joined(
        [
            element("p", "Every value of the run, those of the recipe and those of the command line."),
            element("pre", run.config_text.rstrip(), class_="settings"),
        ]
    )


def environment_section(run: RunFacts) -> Html:
    """Versions and machine."""
    environment = run.environment
    if not environment:
        return element("p", "environment.json is not there.", class_="note")
    packages = environment.get("packages", {})
    return joined(
        [
            facts(
                [
                    ("started", environment.get("time")),
                    *(("resumed", entry.get("time")) for entry in environment.get("resumed", [])),
                    ("device", run.device),
                    ("platform", environment.get("platform")),
                    ("Python", environment.get("python")),
                ]
            ),
            table(("package", "version"), list(packages.items()), words=frozenset({0, 1}), class_="narrow"),
        ]
    )


def reproduce_section(run: RunFacts) -> Html:
    """Commands to copy."""
    again = [*run.tool_words, "train", "--config", str(run.config_path), "--out", f"{run.path}-again"]
    blocks = {
        "How it was started:": [shlex.join(run.command)] if run.command else [],
        "Train the same again, from the configuration above:": [shlex.join(again)],
        "Evaluate, predict, export, write this page again:": [
            run.command_on_run("eval"),
            run.command_on_run("predict", "photo.jpg", "--out", "drawn"),
            run.command_on_run("export", "--format", "mindir", "--out", "exported"),
            run.command_on_run("report"),
        ],
    }
    return joined(
        part
        for words, commands in blocks.items()
        if commands
        for part in (element("p", words), element("pre", "\n".join(commands)))
    )
