"""The command `ms-defrcn`.

Nothing here imports MindSpore before a verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ms_core.cli import LazyVerb, Tool, Verb, lazy_doctor, run
from ms_core.common_verbs import benchmark_verb, convert_verb, demo_verb
from ms_core.run_target import config_of_run
from ms_core.verb_options import (
    TARGET_HELP,
    lazy_report,
    old_zoo_config,
)

import ms_defrcn
from ms_defrcn.config import RECIPES, DeFRCNConfig
from ms_defrcn.eval_verbs import eval_verb, predict_verb
from ms_defrcn.train_verbs import finetune_verb, study_verb, train_verb

TOOL = "ms-defrcn"
DEMO_RECIPE = "defrcn_r18_demo"
HELP = {
    "train": "train a detector on classes of which there are many labelled objects",
    "finetune": "teach a trained detector new classes from a few labelled objects",
    "study": "fine-tune and measure for several numbers of shots and seeds: table with means and intervals",
    "eval": "measure a trained network on annotated pictures: COCO numbers of base and novel classes",
    "predict": "find objects in pictures: drawn pictures and predictions.json",
    "surgery": "make of a base network the start of a fine-tuning: drop or widen its predictors",
    "export": "write a trained network for use outside Python, and verify it",
    "infer": "run an exported model: drawn pictures, metrics on a data set, latency",
    "convert": "write weights of any supported file as our checkpoint",
    "data": "check, convert, draw and cache datasets, draw few-shot sets",
    "benchmark": "time training step, detection and input pipeline on this machine",
    "demo": "draw shapes, then train, fine-tune on five objects a class, evaluate, predict",
}
BENCHMARK_PARTS = ("pipeline", "detection", "train")
"""What can be measured, in the order in which it is: training, which takes most memory, last."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    return run(tool(), argv)


def tool() -> Tool:
    """The command with its verbs."""
    builders: dict[str, Callable[[], Verb]] = {
        "train": partial(train_verb, HELP["train"]),
        "finetune": partial(finetune_verb, HELP["finetune"]),
        "study": partial(study_verb, HELP["study"]),
        "eval": partial(eval_verb, HELP["eval"]),
        "predict": partial(predict_verb, HELP["predict"]),
        "surgery": _surgery_verb,
        "export": _export_verb,
        "infer": _infer_verb,
        "convert": _convert_verb,
        "data": _data_verb,
        "benchmark": _benchmark_verb,
        "demo": _demo_verb,
    }
    verbs = {name: LazyVerb(HELP[name], build) for name, build in builders.items()}
    verbs |= {"report": lazy_report(), "doctor": lazy_doctor(TOOL)}
    purpose = (
        "DeFRCN few-shot object detection: train, fine-tune on a few objects, evaluate, predict, export."
    )
    return Tool(TOOL, verbs, ms_defrcn.__version__, RECIPES, purpose, old_zoo_config(TOOL, RECIPES))


def _surgery_verb() -> Verb:
    return Verb(
        help=HELP["surgery"],
        run=_surgery,
        add_arguments=_surgery_arguments,
        config=DeFRCNConfig,
        recipe=lambda arguments: config_of_run(arguments.base),
        example="{command} runs/base start.ckpt --method randinit",
    )


def _surgery_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("base", type=Path, metavar="RUN|CKPT", help=f"base training: {TARGET_HELP}")
    parser.add_argument("target", type=Path, metavar="OUT", help="checkpoint to write")
    parser.add_argument(
        "--method",
        choices=("remove", "randinit"),
        required=True,
        help="remove: drop the predictors (fsod); randinit: keep the base classes' rows, new ones for novel (gfsod)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT")


def _surgery(arguments: Namespace) -> None:
    from ms_core.run_target import checkpoint_of

    from ms_defrcn.stage_data import classes_after_surgery
    from ms_defrcn.surgery import surgery

    classes = classes_after_surgery(arguments.config, arguments.method)
    surgery(
        checkpoint_of(arguments.base),
        arguments.target,
        method=arguments.method,
        base=classes.base,
        classes=classes.names,
        seed=arguments.config.seed,
        overwrite=arguments.overwrite,
    )


def _export_verb() -> Verb:
    return Verb(
        help=HELP["export"],
        run=_export,
        add_arguments=_export_arguments,
        config=DeFRCNConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example="{command} runs/five --format mindir onnx --size 768 1280 --out exported",
    )


def _export_arguments(parser: ArgumentParser) -> None:
    from ms_core.export.options import add_export_options

    from ms_defrcn.output_forms import FORMS

    add_export_options(parser, FORMS, any_batch=False)
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of the model's input in pixels, into which pictures are fitted; default: as large as input.* shows "
        "lying pictures, 768 1280 with the published recipes",
    )


def _export(arguments: Namespace) -> None:
    from ms_core.export.options import export_options

    options = export_options(arguments)
    options.check(arguments.config.device)
    from ms_defrcn.export import export_target

    size = None if arguments.size is None else (arguments.size[0], arguments.size[1])
    export_target(arguments.target, arguments.config, options, size=size)


def _infer_verb() -> Verb:
    from ms_defrcn.infer_verb import infer_verb

    return infer_verb(TOOL, HELP["infer"])


def _convert_verb() -> Verb:
    def convert(*files: Path, **options: Any) -> None:
        from ms_defrcn.conversion import convert_weights

        convert_weights(*files, **options)

    return convert_verb(
        HELP["convert"],
        convert,
        "{command} R-101.pkl backbone.ckpt",
        model="network the weights are for; without it, it is read off the file",
        classes="how many classes without the background, or a file with one name a line",
    )


def _data_verb() -> Verb:
    from ms_defrcn.data_verbs import data_verb

    return data_verb()


def _benchmark_verb() -> Verb:
    def benchmark(config: DeFRCNConfig, **options: Any) -> None:
        from ms_defrcn.benchmark import run_benchmark

        run_benchmark(config, **options)

    return benchmark_verb(
        HELP["benchmark"],
        benchmark,
        "{command} --config defrcn_r101_coco_base --train.batch-size 1 --out benchmark.json",
        config=DeFRCNConfig,
        recipes=RECIPES,
        parts=BENCHMARK_PARTS,
    )


def _demo_verb() -> Verb:
    def demo(config: DeFRCNConfig, out: Path, *, overwrite: bool) -> None:
        from ms_defrcn.demo import run_demo

        run_demo(config, out, overwrite=overwrite)

    return demo_verb(HELP["demo"], demo, config=DeFRCNConfig, recipe=DEMO_RECIPE)
