"""The verbs of a one-stage detector's command: train, eval, predict, export, benchmark, demo and others.

Nothing here imports MindSpore before a verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ms_core.cli import LazyVerb, Tool, Verb, lazy_doctor
from ms_core.common_verbs import benchmark_verb, convert_verb, demo_verb
from ms_core.export.options import add_export_options, export_options
from ms_core.run_target import config_of_run
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.output_forms import FORMS
from ms_core.single_shot.package import DetectorPackage
from ms_core.train.verb import add_train_arguments, resumed_config, training_folder
from ms_core.verb_options import (
    TARGET_HELP,
    lazy_report,
    old_zoo_config,
    score,
)

HELP = {
    "train": "train a network on your pictures",
    "eval": "measure a trained network on annotated pictures: the 12 COCO numbers",
    "predict": "find objects in pictures: drawn pictures and predictions.json",
    "export": "write a trained network for use outside Python, and verify it",
    "infer": "run an exported model: drawn pictures, metrics on a data set, latency",
    "convert": "write weights of any supported file as our checkpoint, or as one for the old code",
    "data": "check, convert, draw and cache datasets",
    "benchmark": "time training step, forward pass, post-processing and input pipeline on this machine",
    "demo": "make a small dataset, then train, evaluate, predict and export on it",
}
BENCHMARK_PARTS = ("pipeline", "forward", "postprocess", "train")
"""What can be measured, in the order in which it is: training, which takes most memory, last."""


def detector_tool(package: DetectorPackage, purpose: str) -> Tool:
    """The command of a model package.

    Args:
        package: the package.
        purpose: what the command is for, in one line.
    """
    builders: dict[str, Callable[[], Verb]] = {
        "train": partial(_train_verb, package),
        "eval": partial(_eval_verb, package),
        "predict": partial(_predict_verb, package),
        "export": partial(_export_verb, package),
        "infer": partial(_infer_verb, package),
        "convert": partial(_convert_verb, package),
        "data": _data_verb,
        "benchmark": partial(_benchmark_verb, package),
        "demo": partial(_demo_verb, package),
    }
    verbs = {name: LazyVerb(HELP[name], build) for name, build in builders.items()}
    verbs |= {"report": lazy_report(), "doctor": lazy_doctor(package.tool)}
    foreign = old_zoo_config(package.tool, package.recipes)
    return Tool(package.tool, verbs, package.version, package.recipes, purpose, foreign)


def _train_verb(package: DetectorPackage) -> Verb:
    return Verb(
        help=HELP["train"],
        run=partial(_train, package),
        add_arguments=add_train_arguments,
        config=SingleShotConfig,
        recipe=resumed_config,
        example=f"{{command}} {package.example} --data.train ann/train.json --data.val ann/val.json "
        "--data.images photos --out runs/mine",
    )


def _train(package: DetectorPackage, arguments: Namespace) -> None:
    from ms_core.single_shot.train import train

    out = training_folder(arguments, package.recipes)
    train(package, arguments.config, out, overwrite=arguments.overwrite, resume=bool(arguments.resume))


def _eval_verb(package: DetectorPackage) -> Verb:
    return Verb(
        help=HELP["eval"],
        run=partial(_eval, package),
        add_arguments=_eval_arguments,
        config=SingleShotConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example="{command} runs/mine --data.val ann/test.json --data.images photos",
    )


def _eval_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "target",
        type=Path,
        metavar="RUN|CKPT|JSON|RESULT_FOLDER",
        help=f"{TARGET_HELP}, or a COCO result file or the result folder of a C++ program (*_0.bin, *_1.bin) to score",
    )
    parser.add_argument(
        "--split", choices=("val", "test"), default="val", help="which of data.val, data.test"
    )
    parser.add_argument("--out", type=Path, help="folder for metrics.json, predictions.json and pictures")


def _eval(package: DetectorPackage, arguments: Namespace) -> None:
    from ms_core.infer.result_folder import is_result_folder

    if arguments.target.suffix == ".json":
        from ms_core.single_shot.evaluation_run import score_result_file

        score_result_file(arguments.target, arguments.config, arguments.split, arguments.out)
    elif is_result_folder(arguments.target):
        from ms_core.single_shot.raw_outputs import score_raw_outputs

        score_raw_outputs(arguments.target, arguments.config, arguments.split, arguments.out)
    else:
        from ms_core.single_shot.evaluation_run import evaluate_target

        evaluate_target(package, arguments.target, arguments.config, arguments.split, arguments.out)


def _predict_verb(package: DetectorPackage) -> Verb:
    return Verb(
        help=HELP["predict"],
        run=partial(_predict, package),
        add_arguments=_predict_arguments,
        config=SingleShotConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example='{command} runs/mine photo.jpg "more/*.png" --out drawn',
    )


def _predict_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="RUN|CKPT", help=TARGET_HELP)
    parser.add_argument("inputs", nargs="+", metavar="PICTURE", help="files, folders and patterns")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures and predictions.json")
    parser.add_argument("--min-score", type=score, default=0.5, help="least score of what is shown, 0-1")
    parser.add_argument("--overwrite", action="store_true", help="replace predictions in --out")


def _predict(package: DetectorPackage, arguments: Namespace) -> None:
    from ms_core.single_shot.predict import predict_target

    postprocess = replace(arguments.config.postprocess, min_score=arguments.min_score)
    config = replace(arguments.config, postprocess=postprocess)
    predict_target(
        package, arguments.target, config, arguments.inputs, arguments.out, overwrite=arguments.overwrite
    )


def _export_verb(package: DetectorPackage) -> Verb:
    return Verb(
        help=HELP["export"],
        run=partial(_export, package),
        add_arguments=partial(add_export_options, forms=FORMS),
        config=SingleShotConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example="{command} runs/mine --format mindir onnx --out exported",
    )


def _export(package: DetectorPackage, arguments: Namespace) -> None:
    options = export_options(arguments)
    options.check(arguments.config.device)  # before MindSpore is imported
    from ms_core.single_shot.export import export_target

    export_target(package, arguments.target, arguments.config, options)


def _infer_verb(package: DetectorPackage) -> Verb:
    from ms_core.single_shot.infer_verb import infer_verb

    return infer_verb(package, HELP["infer"])


def _convert_verb(package: DetectorPackage) -> Verb:
    def convert(*files: Path, **options: Any) -> None:
        from ms_core.single_shot.conversion import convert_weights

        convert_weights(package, *files, **options)

    return convert_verb(
        HELP["convert"],
        convert,
        "{command} old-zoo.ckpt new.ckpt --model ssd300 --classes 81",
        model="network the weights are for, where the file does not say",
        classes="how many classes with the background (81 for COCO), or a file with one name a line",
        more={
            "min_scale": (
                float,
                "model.min_scale of the training, where an old file needs it (0.1: VGG on GPU)",
            )
        },
    )


def _data_verb() -> Verb:
    from ms_core.data.verbs import data_verb

    return data_verb()


def _benchmark_verb(package: DetectorPackage) -> Verb:
    def benchmark(config: SingleShotConfig, *, out: Path | None, **options: Any) -> None:
        from ms_core.benchmark_table import write_benchmark
        from ms_core.single_shot.benchmark import print_benchmark, run_benchmark

        result = run_benchmark(package, config, **options)
        print_benchmark(result)
        if out is not None:
            write_benchmark(result, out)

    return benchmark_verb(
        HELP["benchmark"],
        benchmark,
        "{command} --config ssd300 --train.batch-size 8 --out benchmark.json",
        config=SingleShotConfig,
        recipes=package.recipes,
        parts=BENCHMARK_PARTS,
    )


def _demo_verb(package: DetectorPackage) -> Verb:
    def demo(config: SingleShotConfig, out: Path, *, overwrite: bool) -> None:
        from ms_core.single_shot.demo import run_demo

        run_demo(package, config, out, overwrite=overwrite)

    return demo_verb(HELP["demo"], demo, config=SingleShotConfig, recipe=package.demo_recipe)
