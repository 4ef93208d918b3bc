"""The verb `report`: write the page of a run again, from what lies in its folder."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ms_core.cli import Verb
from ms_core.run_folder import RunFolder

HELP = "write the page about a run again: curves, evaluations, settings"


def report_verb() -> Verb:
    """Needs no MindSpore, so it also serves for a run that is still going on or was cut off."""
    return Verb(
        help=HELP,
        run=_report,
        add_arguments=_arguments,
        example="{command} runs/mine",
    )


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="run folder")


def _report(arguments: Namespace) -> None:
    from ms_core.report import write_report

    print(f"report: {write_report(RunFolder(arguments.run))}")
