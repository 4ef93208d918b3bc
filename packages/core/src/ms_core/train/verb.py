"""What the verb `train` of every command has in common: its options and the folder it trains into.

Nothing here imports MindSpore.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core.errors import UserError
from ms_core.recipes import recipe_names
from ms_core.run_folder import RunFolder

if TYPE_CHECKING:
    from importlib.abc import Traversable


def add_train_arguments(parser: ArgumentParser) -> None:
    """--out, --overwrite and --resume."""
    parser.add_argument("--out", type=Path, help="run folder to make; without it runs/ and the recipe's name")
    parser.add_argument("--overwrite", action="store_true", help="replace the results of a run in --out")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with the run in this folder")


def resumed_config(arguments: Namespace) -> Path | None:
    """The configuration of the run to go on with; called where no --config is given.

    Raises:
        UserError: options that contradict --resume, or nothing to resume.
    """
    if arguments.resume is None:
        return None
    if arguments.overwrite or arguments.out not in (None, arguments.resume):
        raise UserError("--resume goes on in the run's own folder. Leave --out and --overwrite away.")
    RunFolder(arguments.resume).resume_checkpoint()
    return RunFolder(arguments.resume).config_path


def training_folder(arguments: Namespace, recipes: Traversable) -> Path:
    """The run folder of the options.

    Raises:
        UserError: --config beside --resume, or neither of them.
    """
    if arguments.resume and arguments.recipe != RunFolder(arguments.resume).config_path:
        raise UserError("--resume goes on with the run's own configuration. Leave --config away.")
    require_recipe(arguments.recipe, recipes)
    return arguments.resume or arguments.out or Path("runs") / Path(arguments.recipe).stem


def require_recipe(recipe: str | Path | None, recipes: Traversable) -> None:
    """Raise UserError, with the names of the recipes, where no --config is given."""
    if recipe is None:
        known = ", ".join(recipe_names(recipes))
        raise UserError(f"--config is missing: a recipe ({known}) or a YAML file.")
