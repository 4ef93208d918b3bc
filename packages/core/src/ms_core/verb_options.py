"""What all commands build alike.

Nothing here imports MindSpore.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core.cli import ForeignConfig, LazyVerb
from ms_core.recipes import Recipe

if TYPE_CHECKING:
    from importlib.abc import Traversable

    from ms_core.cli import Verb

TARGET_HELP = "run folder (its best checkpoint) or checkpoint"


def score(text: str) -> float:
    """A score on a command line.

    Raises:
        ArgumentTypeError: no number, or one outside 0-1.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not within 0-1")
    return value


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
