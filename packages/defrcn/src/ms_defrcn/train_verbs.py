"""The verbs that train: `train`, `finetune`, `study`.

Nothing here imports MindSpore before a verb runs.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ms_core.cli import Verb
from ms_core.errors import UserError
from ms_core.recipes import Recipe
from ms_core.train.verb import add_train_arguments, resumed_config, training_folder
from ms_core.verb_options import TARGET_HELP

from ms_defrcn.config import RECIPES, DeFRCNConfig

MODES = ("fsod", "gfsod")
_HIDDEN = frozenset({"mode"})
"""Of the verbs whose own --mode is another one: graph or pynative comes from the base training there."""
MODE_HELP = "fsod: only novel classes are learnt; gfsod: base and novel ones; without it what the recipe says"


def train_verb(purpose: str) -> Verb:
    """`train`."""
    return Verb(
        help=purpose,
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


def finetune_verb(purpose: str) -> Verb:
    """`finetune`."""
    return Verb(
        help=purpose,
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


def study_verb(purpose: str) -> Verb:
    """`study`."""
    return Verb(
        help=purpose,
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
