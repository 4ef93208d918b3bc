"""The command `ms-segformer`.

Nothing here imports MindSpore before a verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from ms_core.cli import LazyVerb, Tool, Verb, lazy_doctor, run
from ms_core.common_verbs import benchmark_verb, convert_verb, demo_verb
from ms_core.export.options import add_export_options, export_options
from ms_core.run_target import config_of_run
from ms_core.segmentation.config import root_before_folders
from ms_core.train.verb import add_train_arguments, resumed_config, training_folder
from ms_core.verb_options import (
    TARGET_HELP,
    lazy_report,
    old_zoo_config,
)

import ms_segformer
from ms_segformer.config import SegFormerConfig

TOOL = "ms-segformer"
RECIPES = files("ms_segformer") / "configs"
DEMO_RECIPE = "segformer_b0_demo"
HELP = {
    "train": "train a network on your pictures",
    "eval": "measure a trained network on labelled pictures: IoU of every class, mIoU",
    "predict": "colour the pixels of pictures: class maps, overlays, predictions.json",
    "export": "write a trained network for use outside Python, and verify it",
    "infer": "run an exported model: class maps, metrics on a data set, latency",
    "convert": "write weights of any supported file as our checkpoint, or as one for the old code",
    "data": "check and draw datasets, make Cityscapes label files",
    "benchmark": "time training step, forward pass, metrics and input pipeline on this machine",
    "demo": "draw small street scenes, then train, evaluate, predict and export on them",
}
BENCHMARK_PARTS = ("pipeline", "metrics", "forward", "train")
"""What can be measured, in the order in which it is: training, which takes most memory, last."""
EXPORT_FORMS = {
    "logits": "of every class, at a quarter of the size",
    "classes": "the class of every pixel, int32",
}
"""Output form of an exported model -> what it gives; the first is the default."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    return run(tool(), argv)


def tool() -> Tool:
    """The command with its verbs."""
    builders = {
        "train": _train_verb,
        "eval": _eval_verb,
        "predict": _predict_verb,
        "export": _export_verb,
        "infer": _infer_verb,
        "convert": _convert_verb,
        "data": _data_verb,
        "benchmark": _benchmark_verb,
        "demo": _demo_verb,
    }
    verbs = {name: LazyVerb(HELP[name], build) for name, build in builders.items()}
    verbs |= {"report": lazy_report(), "doctor": lazy_doctor(TOOL)}
    purpose = "SegFormer semantic segmentation: train, evaluate, predict, export."
    return Tool(TOOL, verbs, ms_segformer.__version__, RECIPES, purpose, old_zoo_config(TOOL, RECIPES))


def _train_verb() -> Verb:
    return Verb(
        help=HELP["train"],
        run=_train,
        add_arguments=add_train_arguments,
        config=SegFormerConfig,
        recipe=resumed_config,
        example="{command} --config segformer_b0_512x1024 --data.root cityscapes --backbone-weights mit_b0.pth "
        "--out runs/mine",
    )


def _train(arguments: Namespace) -> None:
    from ms_segformer.train import train

    out = training_folder(arguments, RECIPES)
    train(arguments.config, out, overwrite=arguments.overwrite, resume=bool(arguments.resume))


def _eval_verb() -> Verb:
    return Verb(
        help=HELP["eval"],
        run=_eval,
        add_arguments=_eval_arguments,
        config=SegFormerConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example="{command} runs/mine --data.root cityscapes",
    )


def _eval_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "target",
        type=Path,
        metavar="RUN|CKPT|RESULT_FOLDER",
        help=f"{TARGET_HELP}, or the result folder of the C++ program to score",
    )
    parser.add_argument(
        "--split", choices=("train", "val", "test"), default="val", help="which part of the data"
    )
    parser.add_argument("--out", type=Path, help="folder for metrics.json and pictures")


def _eval(arguments: Namespace) -> None:
    from ms_core.infer.result_folder import is_result_folder

    config = replace(arguments.config, data=root_before_folders(arguments.config.data, arguments.given))
    if is_result_folder(arguments.target):
        from ms_segformer.infer import score_results

        score_results(arguments.target, config, arguments.split, arguments.out)
        return
    from ms_segformer.evaluation_run import evaluate_target

    evaluate_target(arguments.target, config, arguments.split, arguments.out)


def _predict_verb() -> Verb:
    return Verb(
        help=HELP["predict"],
        run=_predict,
        add_arguments=_predict_arguments,
        config=SegFormerConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example='{command} runs/mine photo.jpg "more/*.png" --out drawn',
    )


def _predict_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="RUN|CKPT", help=TARGET_HELP)
    parser.add_argument("inputs", nargs="+", metavar="PICTURE", help="files, folders and patterns")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures and predictions.json")
    _add_picture_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace predictions in --out")


def _add_picture_options(parser: ArgumentParser) -> None:
    """Which files are written for a picture."""
    for name, what in (
        ("copy", "a copy of the picture"),
        ("gray", "_gray.png, whose values are the class indices"),
        ("color", "_color.png, the classes in their colours"),
        ("overlay", "_overlap.png, the colours over the picture"),
    ):
        parser.add_argument(f"--no-{name}", dest=name, action="store_false", help=f"without {what}")
    parser.add_argument(
        "--label-ids", action="store_true", help="also _labelIds.png, as the Cityscapes server takes it"
    )


def _predict(arguments: Namespace) -> None:
    from ms_segformer.predict import predict_target

    predict_target(
        arguments.target,
        arguments.config,
        arguments.inputs,
        arguments.out,
        copy=arguments.copy,
        grey=arguments.gray,
        colour=arguments.color,
        overlay=arguments.overlay,
        label_ids=arguments.label_ids,
        overwrite=arguments.overwrite,
    )


def _export_verb() -> Verb:
    return Verb(
        help=HELP["export"],
        run=_export,
        add_arguments=_export_arguments,
        config=SegFormerConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example="{command} runs/mine --format mindir onnx --size 512 1024 --out exported",
    )


def _export_arguments(parser: ArgumentParser) -> None:
    add_export_options(parser, EXPORT_FORMS)
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of the model's input in pixels; without it input.crop",
    )


def _export(arguments: Namespace) -> None:
    options = export_options(arguments)
    options.check(arguments.config.device)  # before MindSpore is imported
    from ms_segformer.export import export_target

    size = tuple(arguments.size) if arguments.size else None
    export_target(arguments.target, arguments.config, options, size=size)


def _infer_verb() -> Verb:
    from ms_core.infer.options import add_infer_options

    def add_arguments(parser: ArgumentParser) -> None:
        add_infer_options(parser, splits=("train", "val", "test"))
        _add_picture_options(parser)

    return Verb(
        help=HELP["infer"],
        run=_infer,
        add_arguments=add_arguments,
        config=SegFormerConfig,
        example="{command} exported photo.jpg --runtime onnxruntime --out drawn",
    )


def _infer(arguments: Namespace) -> int:
    from ms_core.export.manifest import SegmentationManifest
    from ms_core.infer.options import InferWork, read_exported
    from ms_core.segmentation.open import has_split

    exported = read_exported(arguments, SegmentationManifest, TOOL)
    config = replace(arguments.config, data=root_before_folders(arguments.config.data, arguments.given))
    places = {"data.root", f"data.{arguments.split}"} & arguments.given
    work = InferWork.of(arguments, named=has_split(config.data, arguments.split), given=bool(places))
    from ms_segformer.infer import InferenceRun
    from ms_segformer.predict import PredictionFiles

    names = arguments.copy, arguments.gray, arguments.color, arguments.overlay, arguments.label_ids
    run = InferenceRun(exported, config, arguments)
    return work.do(lambda: run.predict(PredictionFiles(*names)), run.evaluate, run.benchmark)


def _convert_verb() -> Verb:
    def convert(*files: Path, **options: Any) -> None:
        from ms_segformer.conversion import convert_weights

        convert_weights(*files, **options)

    return convert_verb(
        HELP["convert"],
        convert,
        "{command} segformer.b0.1024x1024.city.160k.pth new.ckpt",
        model="network the weights are for; without it, it is read off the file",
        classes="how many classes, or a file with one name a line",
    )


def _data_verb() -> Verb:
    from ms_core.segmentation.verbs import segmentation_data_verb

    return segmentation_data_verb()


def _benchmark_verb() -> Verb:
    def benchmark(config: SegFormerConfig, **options: Any) -> None:
        from ms_segformer.benchmark import run_benchmark

        run_benchmark(config, **options)

    return benchmark_verb(
        HELP["benchmark"],
        benchmark,
        "{command} --config segformer_b0_512x1024 --train.batch-size 1 --out benchmark.json",
        config=SegFormerConfig,
        recipes=RECIPES,
        parts=BENCHMARK_PARTS,
    )


def _demo_verb() -> Verb:
    def demo(config: SegFormerConfig, out: Path, *, overwrite: bool) -> None:
        from ms_segformer.demo import run_demo

        run_demo(config, out, overwrite=overwrite)

    return demo_verb(HELP["demo"], demo, config=SegFormerConfig, recipe=DEMO_RECIPE)
