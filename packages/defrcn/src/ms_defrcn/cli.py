"""The command `ms-defrcn`.

Nothing here imports MindSpore before a verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ms_core.cli import LazyVerb, Tool, Verb, lazy_doctor, run
from ms_core.errors import UserError
from ms_core.recipes import Recipe
from ms_core.run_target import config_of_run
from ms_core.train.verb import add_train_arguments, require_recipe, resumed_config, training_folder
from ms_core.verb_options import (
    TARGET_HELP,
    add_benchmark_options,
    add_convert_style,
    add_demo_options,
    lazy_report,
    old_zoo_config,
)

import ms_defrcn
from ms_defrcn.config import RECIPES, DeFRCNConfig

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
MODES = ("fsod", "gfsod")
_HIDDEN = frozenset({"mode"})
"""Of the verbs whose own --mode is another one: graph or pynative comes from the base training there."""
MODE_HELP = "fsod: only novel classes are learnt; gfsod: base and novel ones; without it what the recipe says"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    return run(tool(), argv)


def tool() -> Tool:
    """The command with its verbs."""
    builders = {
        "train": _train_verb,
        "finetune": _finetune_verb,
        "study": _study_verb,
        "eval": _eval_verb,
        "predict": _predict_verb,
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


def _train_verb() -> Verb:
    return Verb(
        help=HELP["train"],
        run=_train,
        add_arguments=_train_arguments,
        config=DeFRCNConfig,
        recipe=resumed_config,
        example="{command} --config defrcn_base --data.train ann/train.json --data.val ann/val.json "
        "--data.images photos --fewshot.novel-classes [mug,spoon] --backbone-weights R-101.pkl --out runs/base",
    )


def _train_arguments(parser: ArgumentParser) -> None:
    add_train_arguments(parser)
    _add_scale_lr(parser)


def _add_scale_lr(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--scale-lr",
        action="store_true",
        help="scale learning rate and schedule from 16 to as many images an update as there are (printed)",
    )


def _train(arguments: Namespace) -> None:
    from ms_defrcn.train import train

    out = training_folder(arguments, RECIPES)
    config = _scaled(arguments, arguments.config)
    train(config, out, overwrite=arguments.overwrite, resume=bool(arguments.resume))


def _scaled(arguments: Namespace, config: DeFRCNConfig) -> DeFRCNConfig:
    """The configuration for the images an update that there are, if that was asked for."""
    if not arguments.scale_lr:
        return config
    if getattr(arguments, "resume", None):
        raise UserError(
            "--scale-lr: the run that --resume goes on with has its schedule already. Leave it away."
        )
    from ms_defrcn.lr_scaling import scaled_for_devices

    return scaled_for_devices(config, print)


def _finetune_verb() -> Verb:
    return Verb(
        help=HELP["finetune"],
        run=_finetune,
        add_arguments=_finetune_arguments,
        config=DeFRCNConfig,
        recipe=_finetune_recipe,
        hidden=_HIDDEN,
        example="{command} runs/base --mode fsod --shots 5 --pcb.weights resnet101-5d3b4d8f.pth --out runs/five",
    )


def _finetune_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "base", type=Path, nargs="?", metavar="RUN|CKPT", help=f"base training: {TARGET_HELP}"
    )
    parser.add_argument("--mode", choices=MODES, help=MODE_HELP)
    parser.add_argument("--shots", type=int, help="labelled objects of every class")
    parser.add_argument("--shots-seed", type=int, help="which objects are drawn")
    add_train_arguments(parser)
    _add_scale_lr(parser)


def _finetune_recipe(arguments: Namespace) -> Path | Recipe | None:
    """That of the run to go on with, else the one that follows from the base training."""
    from ms_defrcn.finetune import finetune_recipe

    if arguments.resume is not None:
        return resumed_config(arguments)
    return finetune_recipe(_base_of(arguments), arguments.mode or "fsod")


def _base_of(arguments: Namespace) -> Path:
    if arguments.base is None:
        raise UserError("finetune needs the run folder or checkpoint of a base training, or --resume RUN.")
    return arguments.base


def _refuse_other_than_resume(arguments: Namespace) -> None:
    """Raise UserError where an option would be ignored: the run has its configuration."""
    given = {
        "BASE": arguments.base,
        "--mode": arguments.mode,
        "--shots": arguments.shots,
        "--shots-seed": arguments.shots_seed,
    }
    for name, value in given.items():
        if value is not None:
            raise UserError(f"--resume goes on with the run's own configuration. Leave {name} away.")


def _finetune(arguments: Namespace) -> None:
    from ms_core.run_target import checkpoint_of

    from ms_defrcn.finetune import finetune_config
    from ms_defrcn.train import train

    if arguments.resume is not None:
        _refuse_other_than_resume(arguments)
        out = training_folder(arguments, RECIPES)
        train(_scaled(arguments, arguments.config), out, resume=True)
        return
    base = checkpoint_of(_base_of(arguments))
    fewshot, mode = arguments.config.fewshot, arguments.mode or arguments.config.finetune.mode
    shots = fewshot.shots if arguments.shots is None else arguments.shots
    seed = fewshot.shots_seed if arguments.shots_seed is None else arguments.shots_seed
    out = arguments.out or Path("runs") / f"{mode}-{shots}shot-seed{seed}"
    config = finetune_config(arguments.config, base, mode, shots, seed)
    train(_scaled(arguments, config), out, overwrite=arguments.overwrite)


def _study_verb() -> Verb:
    return Verb(
        help=HELP["study"],
        run=_study,
        add_arguments=_study_arguments,
        config=DeFRCNConfig,
        recipe=_study_recipe,
        hidden=_HIDDEN,
        example="{command} runs/base --shots 1 2 3 5 10 30 --seeds 0-9 --mode fsod "
        "--pcb.weights resnet101-5d3b4d8f.pth --out study",
    )


def _study_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("base", type=Path, metavar="RUN|CKPT", help=f"base training: {TARGET_HELP}")
    parser.add_argument("--mode", choices=MODES, help=MODE_HELP)
    parser.add_argument("--shots", type=int, nargs="+", required=True, help="labelled objects of every class")
    parser.add_argument("--seeds", nargs="+", required=True, help="which objects are drawn: 0-9, or 0 1 5")
    parser.add_argument("--split", choices=("val", "test"), default="val", help="which data is measured on")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the study; the same one goes on with it"
    )
    parser.add_argument("--overwrite", action="store_true", help="begin anew: remove the study in --out")
    parser.add_argument(
        "--drop-checkpoints",
        action="store_true",
        help="remove the checkpoints of each fine-tuning once it is measured (an R-101 takes 0.4 GB)",
    )
    _add_scale_lr(parser)


def _study_recipe(arguments: Namespace) -> Recipe:
    from ms_defrcn.finetune import finetune_recipe

    return finetune_recipe(arguments.base, arguments.mode or "fsod")


def _study(arguments: Namespace) -> None:
    from ms_defrcn.study import run_study, seeds_of

    run_study(
        arguments.base,
        arguments.config,
        arguments.shots,
        seeds_of(arguments.seeds),
        arguments.mode or arguments.config.finetune.mode,
        arguments.out,
        split=arguments.split,
        overwrite=arguments.overwrite,
        scale_lr=arguments.scale_lr,
        keep_checkpoints=not arguments.drop_checkpoints,
    )


def _eval_verb() -> Verb:
    return Verb(
        help=HELP["eval"],
        run=_eval,
        add_arguments=_eval_arguments,
        config=DeFRCNConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example="{command} runs/five --pcb on --data.val ann/test.json --data.images photos",
    )


def _eval_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "target",
        type=Path,
        metavar="RUN|CKPT|RESULT_FOLDER",
        help=f"{TARGET_HELP}, or the result folder of the C++ program to score",
    )
    parser.add_argument(
        "--split", choices=("val", "test"), default="val", help="which of data.val, data.test"
    )
    _add_pcb(parser)
    parser.add_argument("--out", type=Path, help="folder for metrics.json, predictions.json and pictures")


def _add_pcb(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--pcb",
        choices=("on", "off"),
        help="calibrate scores by the labelled objects, or not; without it pcb.enabled counts",
    )


def _with_pcb(arguments: Namespace) -> DeFRCNConfig:
    config: DeFRCNConfig = arguments.config
    if arguments.pcb is None:
        return config
    return replace(config, pcb=replace(config.pcb, enabled=arguments.pcb == "on"))


def _eval(arguments: Namespace) -> None:
    from ms_core.infer.result_folder import is_result_folder

    if is_result_folder(arguments.target):
        from ms_defrcn.infer import score_results

        score_results(arguments.target, arguments.config, arguments.split, arguments.out)
        return
    from ms_defrcn.evaluation_run import evaluate_target

    evaluate_target(arguments.target, _with_pcb(arguments), arguments.split, arguments.out)


def _predict_verb() -> Verb:
    return Verb(
        help=HELP["predict"],
        run=_predict,
        add_arguments=_predict_arguments,
        config=DeFRCNConfig,
        recipe=lambda arguments: config_of_run(arguments.target),
        example='{command} runs/five photo.jpg "more/*.png" --out drawn',
    )


def _predict_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("target", type=Path, metavar="RUN|CKPT", help=TARGET_HELP)
    parser.add_argument("inputs", nargs="+", metavar="PICTURE", help="files, folders and patterns")
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures and predictions.json")
    parser.add_argument("--min-score", type=float, default=0.5, help="least score of what is shown, 0-1")
    _add_pcb(parser)
    parser.add_argument(
        "--support",
        metavar="DATA",
        help="labelled pictures of the novel classes to calibrate by, any kind of data set",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace predictions in --out")


def _predict(arguments: Namespace) -> None:
    from ms_defrcn.predict import predict_target

    if arguments.pcb == "off" and arguments.support is not None:
        raise UserError(
            "--support: names objects to calibrate by, but --pcb off asks for none. Leave one out."
        )
    predict_target(
        arguments.target,
        _with_pcb(arguments),
        arguments.inputs,
        arguments.out,
        min_score=arguments.min_score,
        support=arguments.support,
        overwrite=arguments.overwrite,
    )


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
    from ms_core.checkpoint.convert import add_convert_arguments

    def arguments(parser: ArgumentParser) -> None:
        add_convert_arguments(parser)
        parser.add_argument(
            "--model", help="network the weights are for; without it, it is read off the file"
        )
        parser.add_argument(
            "--classes", help="how many classes without the background, or a file with one name a line"
        )
        add_convert_style(parser)

    return Verb(
        help=HELP["convert"],
        run=_convert,
        add_arguments=arguments,
        example="{command} R-101.pkl backbone.ckpt",
    )


def _convert(arguments: Namespace) -> None:
    from ms_defrcn.conversion import convert_weights

    convert_weights(
        arguments.source,
        arguments.target,
        to=arguments.to,
        model=arguments.model,
        classes=arguments.classes,
        overwrite=arguments.overwrite,
    )


def _data_verb() -> Verb:
    from ms_defrcn.data_verbs import data_verb

    return data_verb()


def _benchmark_verb() -> Verb:
    return Verb(
        help=HELP["benchmark"],
        run=_benchmark,
        add_arguments=partial(add_benchmark_options, parts=BENCHMARK_PARTS),
        config=DeFRCNConfig,
        example="{command} --config defrcn_r101_coco_base --train.batch-size 1 --out benchmark.json",
    )


def _benchmark(arguments: Namespace) -> None:
    from ms_defrcn.benchmark import run_benchmark

    require_recipe(arguments.config.model.name or None, RECIPES)
    if arguments.steps < 1:
        raise UserError(f"--steps {arguments.steps}: at least 1 is needed.")
    run_benchmark(arguments.config, steps=arguments.steps, skip=arguments.skip, out=arguments.out)


def _demo_verb() -> Verb:
    return Verb(
        help=HELP["demo"],
        run=_demo,
        add_arguments=add_demo_options,
        config=DeFRCNConfig,
        recipe=lambda arguments: DEMO_RECIPE,
        example="{command} --out demo-run",
    )


def _demo(arguments: Namespace) -> None:
    from ms_defrcn.demo import run_demo

    run_demo(arguments.config, arguments.out, overwrite=arguments.overwrite)
