"""How the steps of a schedule are counted, and what becomes of it with another batch size (arXiv 1706.02677).

`train.iterations`, `schedule.warmup_steps` and `schedule.milestone_steps` count updates of the weights, as the
published tables do. An update sees train.batch_size x devices x train.accumulate images, 16 in every recipe.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from ms_core.launch import detect_launch
from ms_core.schedules import ScheduleConfig

from ms_defrcn.config import DeFRCNConfig

REFERENCE = 16
"""Images of one update that the published schedules are meant for."""


def scaled_for_devices(config: DeFRCNConfig, say: Callable[[str], None]) -> DeFRCNConfig:
    """`linearly_scaled` for as many devices as this process was started with; says what was changed.

    Raises:
        UserError: a start that cannot work; see `ms_core.launch.detect_launch`.
    """
    scaled, line = linearly_scaled(config, detect_launch(os.environ).world_size)
    say(line)
    return scaled


def linearly_scaled(
    config: DeFRCNConfig, devices: int = 1, *, reference: int = REFERENCE
) -> tuple[DeFRCNConfig, str]:
    """A recipe for the images an update that its batch size, devices and accumulation make: as many images in all.

    With k = images an update / `reference`, learning rates are multiplied by k, and warmup, milestones and
    `train.iterations` divided by it. Lengths in epochs stay: an epoch has as many images with any batch. Iterations
    of fine-tuning, which depend on the shots, have to be in `train.iterations` before.

    Args:
        config: with a recipe's learning rates and lengths, and the batch size to train with.
        devices: of the run.
        reference: images an update that the recipe is meant for.

    Returns:
        (the configuration to train with, one line that says what was changed).
    """
    images = config.train.batch_size * devices * config.train.accumulate
    scale = images / reference
    schedule = replace(
        config.schedule,
        lr=config.schedule.lr * scale,
        lr_init=config.schedule.lr_init * scale,
        lr_end=config.schedule.lr_end * scale,
    )
    train = replace(config.train, iterations=_length(config.train.iterations, 1 / scale))
    scaled = replace(config, schedule=_with_lengths(schedule, 1 / scale), train=train)
    return scaled, f"linear scaling from {reference} to {images} images an update: {_changes(config, scaled)}"


def _with_lengths(schedule: ScheduleConfig, factor: float) -> ScheduleConfig:
    """A schedule with its lengths in steps multiplied."""
    return replace(
        schedule,
        warmup_steps=_length(schedule.warmup_steps, factor),
        milestone_steps=tuple(_length(step, factor) for step in schedule.milestone_steps),
    )


def _length(steps: int, factor: float) -> int:
    """A number of steps times `factor`; none stays none, some never become none."""
    return max(round(steps * factor), 1) if steps else 0


def _changes(before: DeFRCNConfig, after: DeFRCNConfig) -> str:
    values = {
        "lr": (f"{before.schedule.lr:g}", f"{after.schedule.lr:g}"),
        "warmup": (before.schedule.warmup_steps, after.schedule.warmup_steps),
        "milestones": (_listed(before.schedule), _listed(after.schedule)),
        "iterations": (before.train.iterations, after.train.iterations),
    }
    changes = [f"{name} {old} -> {new}" for name, (old, new) in values.items() if old and old != new]
    return ", ".join(changes) or "nothing changes"


def _listed(schedule: ScheduleConfig) -> str:
    return " ".join(str(step) for step in schedule.milestone_steps)
