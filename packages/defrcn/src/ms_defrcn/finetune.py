"""Fine-tuning: which recipe follows a base training, and what of it depends on the number of shots.

How steps are counted. `train.iterations`, `schedule.milestone_steps` and `schedule.warmup_steps` of a recipe count
updates of the weights, as the published tables do: one update sees train.batch_size x devices x train.accumulate
images, 16 in every recipe. So a recipe stays right on one device (2 x 1 x 8), on eight (2 x 8 x 1) or with larger
batches (16 x 1 x 1), without touching the schedule; only another product than 16 asks for `--scale-lr`
(`ms_defrcn.lr_scaling`), which is a function of that product alone.

Nothing here imports MindSpore.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ms_core.config import load_config
from ms_core.errors import UserError
from ms_core.recipes import Recipe, read_recipe
from ms_core.run_target import config_of_run
from ms_core.schedules import ScheduleConfig

from ms_defrcn.config import RECIPES, DeFRCNConfig, FinetuneConfig

Mode = Literal["fsod", "gfsod"]
Surgery = Literal["remove", "randinit"]

FALL_AT = 0.8
"""Share of the iterations after which the learning rate falls."""
_KEPT_SECTIONS = ("data", "input", "proposals", "roi", "postprocess", "eval", "precision", "loss_scale")
_KEPT_KEYS = frozenset(
    {
        *("fewshot.split", "fewshot.base_classes", "fewshot.novel_classes", "fewshot.shots_from"),
        *("model.name", "model.anchor_sizes", "model.anchor_ratios"),
        *("pcb.features", "pcb.weights", "pcb.max_side"),
        *("train.batch_size", "train.accumulate", "train.workers", "device", "mode", "compile_cache", "seed"),
    }
)
"""In these, fine-tuning follows the base training: data, network, what calibration looks with, and machine."""


def finetune_recipe(base: Path, mode: Mode) -> Recipe:
    """The settings of fine-tuning that follow from a base training, to be the recipe of `load_config`.

    The recipe is that of the base training's class lists (COCO, VOC 1-3, or own data); what the base training says
    about data, network and machine replaces what the recipe says about it.

    Args:
        base: run folder of the base training, or a checkpoint in one.
        mode: fsod: novel classes only; gfsod: base and novel classes.

    Raises:
        UserError: `base` belongs to no run, so nobody knows its settings.
    """
    file = config_of_run(base)
    if file is None:
        raise UserError(
            f"{base}: belongs to no run folder, so its settings are unknown. Give a recipe of fine-tuning: --config."
        )
    before = read_recipe(file, RECIPES)
    split = load_config(DeFRCNConfig, recipe=file, recipes=RECIPES).fewshot.split
    kept = {key: entry for key, entry in before.items() if _is_kept(key)}
    return {**read_recipe(recipe_name(split, mode), RECIPES), **kept}


def recipe_name(split: str, mode: Mode) -> str:
    """The packaged recipe of fine-tuning for `fewshot.split`; own data ("none") has one for both modes."""
    return "defrcn_fewshot" if split == "none" else f"defrcn_r101_{split}_{mode}"


def finetune_config(
    config: DeFRCNConfig, weights: Path | None, mode: Mode, shots: int, seed: int
) -> DeFRCNConfig:
    """The configuration of one fine-tuning.

    Decided here: the classes, the labelled objects, the iterations by their number (unless `train.iterations` says
    them) and where the learning rate falls (unless the schedule says it). What is frozen, dropout, gradient scales
    and PCB are values of the recipe, so that the command line can change them.

    Args:
        config: a recipe of fine-tuning with the user's changes.
        weights: the base network after surgery; None keeps `config.weights`.
        mode: fsod: novel classes only; gfsod: base and novel classes.
        shots: labelled objects of every class, >= 1.
        seed: which objects are drawn, >= 0.

    Raises:
        UserError: shots or seed out of range, or nobody says how many iterations.
    """
    if shots < 1:
        raise UserError(
            f"fewshot.shots: {shots} is below 1. Give the number of labelled objects of every class."
        )
    if seed < 0:
        raise UserError(f"fewshot.shots_seed: {seed} is below 0.")
    iterations = config.train.iterations or iterations_for(config.finetune.iterations, shots)
    classes: Literal["novel", "all"] = "novel" if mode == "fsod" else "all"
    return replace(
        config,
        weights=weights or config.weights,
        backbone_weights=None,
        fewshot=replace(config.fewshot, classes=classes, shots=shots, shots_seed=seed),
        finetune=replace(config.finetune, mode=mode),
        train=replace(config.train, iterations=iterations),
        schedule=_falling(config.schedule, iterations),
    )


def iterations_for(table: Mapping[str, int], shots: int) -> int:
    """Iterations for so many shots: the table's, between two entries those on the line through them, beyond the ends
    those of the nearest entry.

    Args:
        table: shots -> iterations (paper, section 4.1, tells the shots; the numbers are the published configurations').
        shots: >= 1.

    Raises:
        UserError: an empty table, a key that is no number of shots, or a number of iterations below 1.
    """
    points = sorted((_shots_of(key), count) for key, count in table.items())
    if not points:
        raise UserError("train.iterations: 0, and finetune.iterations is empty. Give one of the two.")
    if min(count for _, count in points) < 1:
        raise UserError(f"finetune.iterations: {dict(table)} has a number below 1.")
    below = max((point for point in points if point[0] <= shots), default=points[0])
    above = min((point for point in points if point[0] >= shots), default=points[-1])
    if below[0] >= above[0]:
        return below[1]
    share = (shots - below[0]) / (above[0] - below[0])
    return round(below[1] + share * (above[1] - below[1]))


def surgery_method(finetune: FinetuneConfig) -> Surgery:
    """What becomes of the base network's predictors."""
    if finetune.surgery != "auto":
        return finetune.surgery
    return "remove" if finetune.mode == "fsod" else "randinit"


def write_start(base: Path, config: DeFRCNConfig, target: Path) -> None:
    """Write what a fine-tuning starts from: the base network after surgery.

    Args:
        base: checkpoint of the base training.
        config: of the fine-tuning.
        target: checkpoint to write, or to replace.

    Raises:
        UserError: `base` cannot be read, or has other classes than the base classes of `config`.
    """
    from ms_defrcn.stage_data import classes_after_surgery
    from ms_defrcn.surgery import surgery

    method = surgery_method(config.finetune)
    classes = classes_after_surgery(config, method)
    surgery(
        base,
        target,
        method=method,
        base=classes.base,
        classes=classes.names,
        seed=config.seed,
        overwrite=True,
    )


def _is_kept(key: str) -> bool:
    return key in _KEPT_KEYS or key.split(".", 1)[0] in _KEPT_SECTIONS


def _shots_of(key: str) -> int:
    if not key.isdecimal() or int(key) < 1:
        raise UserError(f"finetune.iterations: {key!r} is no number of shots, such as 1, 5 or 10.")
    return int(key)


def _falling(schedule: ScheduleConfig, iterations: int) -> ScheduleConfig:
    """The schedule with its fall, where it is one of steps that has none yet."""
    if schedule.name != "multi-step" or schedule.milestones or schedule.milestone_steps:
        return schedule
    return replace(schedule, milestone_steps=(max(1, round(FALL_AT * iterations)),))
