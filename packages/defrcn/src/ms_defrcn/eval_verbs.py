"""The verbs that look at pictures with a trained network: `eval`, `predict`.

Nothing here imports MindSpore before a verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from ms_core.cli import Verb
from ms_core.errors import UserError
from ms_core.run_target import config_of_run
from ms_core.verb_options import TARGET_HELP, score

from ms_defrcn.config import DeFRCNConfig


def eval_verb(purpose: str) -> Verb:
    """`eval`."""
    return Verb(
        help=purpose,
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


def predict_verb(purpose: str) -> Verb:
    """`predict`."""
    return Verb(
        help=purpose,
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
    parser.add_argument("--min-score", type=score, default=0.5, help="least score of what is shown, 0-1")
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
