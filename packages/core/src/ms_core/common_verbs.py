"""Verbs whose options are the same in the command of every package; the package says what they run.

Nothing here imports MindSpore, and what a package gives may import it when it is called.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ms_core.cli import Verb
from ms_core.errors import UserError
from ms_core.train.verb import require_recipe

if TYPE_CHECKING:
    from importlib.abc import Traversable


def convert_verb(
    purpose: str,
    convert: Callable[..., object],
    example: str,
    *,
    model: str,
    classes: str,
    more: Mapping[str, tuple[Callable[[str], Any], str]] | None = None,
) -> Verb:
    """`convert`: weights of another format or for another code.

    Args:
        purpose: one line for `--help`.
        convert: called with source and target and, by name, to ("ours", or "zoo" for the old code), model, classes,
            overwrite and `more`.
        example: command line with `{command}`.
        model: help of `--model`.
        classes: help of `--classes`.
        more: further options: name -> (type, help).
    """
    more = more or {}

    def add_arguments(parser: ArgumentParser) -> None:
        from ms_core.checkpoint.convert import add_convert_arguments

        add_convert_arguments(parser)
        parser.add_argument("--model", help=model)
        parser.add_argument("--classes", help=classes)
        for name, (kind, words) in more.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=words)
        parser.add_argument(
            "--to", choices=("ours", "zoo"), default="ours", help="zoo: a file the old MindSpore code loads"
        )

    def run(arguments: Namespace) -> None:
        names = ("to", "model", "classes", "overwrite", *more)
        convert(arguments.source, arguments.target, **{name: getattr(arguments, name) for name in names})

    return Verb(help=purpose, run=run, add_arguments=add_arguments, example=example)


def benchmark_verb(
    purpose: str,
    benchmark: Callable[..., object],
    example: str,
    *,
    config: type,
    recipes: Traversable,
    parts: Sequence[str],
) -> Verb:
    """`benchmark`: how fast a network is on this machine.

    Args:
        purpose: one line for `--help`.
        benchmark: called with the configuration and, by name, steps, skip and out.
        example: command line with `{command}`.
        config: of the package.
        recipes: its folder, named to somebody who gives no configuration.
        parts: what can be measured.
    """

    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument("--steps", type=int, default=10, help="steps and calls of each part that count")
        parser.add_argument("--skip", nargs="+", choices=parts, default=(), help="parts to leave out")
        parser.add_argument("--out", type=Path, help="JSON file for the numbers, with machine and versions")

    def run(arguments: Namespace) -> None:
        require_recipe(arguments.config.model.name or None, recipes)
        if arguments.steps < 1:
            raise UserError(f"--steps {arguments.steps}: at least 1 is needed.")
        benchmark(arguments.config, steps=arguments.steps, skip=arguments.skip, out=arguments.out)

    return Verb(help=purpose, run=run, add_arguments=add_arguments, config=config, example=example)


def demo_verb(purpose: str, demo: Callable[..., object], *, config: type, recipe: str) -> Verb:
    """`demo`: everything once, on a small data set that it makes.

    Args:
        purpose: one line for `--help`.
        demo: called with configuration and folder and, by name, overwrite.
        config: of the package.
        recipe: what the configuration starts from.
    """

    def add_arguments(parser: ArgumentParser) -> None:
        parser.add_argument(
            "--out", type=Path, default=Path("demo-run"), help="folder for everything it makes"
        )
        parser.add_argument("--overwrite", action="store_true", help="replace a former demo in --out")

    def run(arguments: Namespace) -> None:
        demo(arguments.config, arguments.out, overwrite=arguments.overwrite)

    return Verb(
        help=purpose,
        run=run,
        add_arguments=add_arguments,
        config=config,
        recipe=lambda arguments: recipe,
        example="{command} --out demo-run",
    )
