"""Options that verbs of the same name have in every command, and what all commands build alike.

Nothing here imports MindSpore.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core.cli import ForeignConfig, LazyVerb
from ms_core.recipes import Recipe

if TYPE_CHECKING:
    from importlib.abc import Traversable

    from ms_core.cli import Verb

TARGET_HELP = "run folder (its best checkpoint) or checkpoint"


def add_convert_style(parser: ArgumentParser) -> None:
    """For whom a converted file is."""
    parser.add_argument(
        "--to", choices=("ours", "zoo"), default="ours", help="zoo: a file the old MindSpore code loads"
    )


def add_benchmark_options(parser: ArgumentParser, parts: Sequence[str]) -> None:
    """How often the `parts` are measured, and which are not."""
    parser.add_argument("--steps", type=int, default=10, help="steps and calls of each part that count")
    parser.add_argument("--skip", nargs="+", choices=parts, default=(), help="parts to leave out")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers, with machine and versions")


def add_demo_options(parser: ArgumentParser) -> None:
    """Where a demo goes."""
    parser.add_argument("--out", type=Path, default=Path("demo-run"), help="folder for everything it makes")
    parser.add_argument("--overwrite", action="store_true", help="replace a former demo in --out")


def lazy_report() -> LazyVerb:
    """`report` for the command of any package."""

    def load() -> Verb:
        from ms_core.report.verb import report_verb

        return report_verb()

    return LazyVerb("write the page about a run again: curves, evaluations, settings", load)


def old_zoo_config(tool: str, recipes: Traversable) -> ForeignConfig:
    """Reads configurations of the old zoo where `--config` names one."""

    def read(path: Path, verb: str) -> Recipe | None:
        from ms_core.old_zoo.config_file import recipe_of_old_file
        from ms_core.old_zoo.networks import old_package

        return recipe_of_old_file(path, verb, package=old_package(tool), recipes=recipes)

    return read
