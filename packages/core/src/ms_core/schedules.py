"""Learning rates as arrays: one float32 a training step, each a pure function of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from ms_core.errors import UserError


@dataclass(frozen=True)
class ScheduleConfig:
    name: Literal["constant", "linear", "cosine", "polynomial", "multi-step"] = "cosine"
    """Shape of the curve after the warmup."""
    lr: float = 0.05
    """Learning rate at the end of the warmup, > 0."""
    lr_init: float = 0.0
    """Learning rate of the first warmup step, >= 0."""
    lr_end: float = 0.0
    """Learning rate that linear, cosine and polynomial approach at the end, >= 0."""
    warmup_epochs: float = 0.0
    """Epochs of linear growth from lr_init to lr, >= 0; added to warmup_steps."""
    warmup_steps: int = 0
    """Updates of the weights with linear growth from lr_init to lr, >= 0."""
    warmup_over_curve: bool = False
    """The curve begins at step 0 and the warmup damps its beginning (OpenMMLab does so); false: it begins after the
    warmup."""
    milestones: tuple[float, ...] = ()
    """Epochs at which multi-step multiplies the rate by gamma, rising."""
    milestone_steps: tuple[int, ...] = ()
    """Updates of the weights at which it does so, rising; added to milestones."""
    gamma: float = 0.1
    """Factor of multi-step at every milestone, > 0."""
    power: float = 1.0
    """Exponent of polynomial, > 0."""


@dataclass(frozen=True)
class Warmup:
    """Linear growth: step i of the first `steps` has lr_init + (lr - lr_init) * i / steps."""

    steps: int = 0
    """How many; 0: none."""
    lr_init: float = 0.0
    """Rate of the very first step, >= 0."""


NO_WARMUP = Warmup()


def learning_rates(
    config: ScheduleConfig, *, epochs: int, steps_per_epoch: int, iterations: int = 0, accumulate: int = 1
) -> np.ndarray:
    """The learning rate of every batch of a training run.

    Args:
        config: the curve; its steps are updates of the weights.
        epochs: passes over the data, >= 1.
        steps_per_epoch: batches of one pass, >= 1.
        iterations: updates of the run, whatever `epochs` says; 0: whole epochs.
        accumulate: batches of an update, >= 1; all of them have its rate.

    Returns:
        [iterations * accumulate or epochs * steps_per_epoch] float32.

    Raises:
        UserError: a value out of its range, named.
    """
    check(config)
    if epochs < 1 or steps_per_epoch < 1:
        raise UserError(f"a schedule needs at least one step, not {epochs} epochs of {steps_per_epoch}.")
    batches = iterations * accumulate or epochs * steps_per_epoch
    rates = _of_updates(config, ceil(batches / accumulate), steps_per_epoch / accumulate)
    return np.repeat(rates, accumulate)[:batches]


def _of_updates(config: ScheduleConfig, total: int, per_epoch: float) -> np.ndarray:
    """The rates of `total` updates, `per_epoch` of which make up a pass over the data."""
    warmup = Warmup(config.warmup_steps + round(config.warmup_epochs * per_epoch), config.lr_init)
    if config.warmup_over_curve:
        return _damped(_curve(config, total, per_epoch, NO_WARMUP), config.lr, warmup)
    return _curve(config, total, per_epoch, warmup)


def _curve(config: ScheduleConfig, total: int, per_epoch: float, warmup: Warmup) -> np.ndarray:
    lr = config.lr
    if config.name == "constant":
        return constant(lr, total, warmup=warmup)
    if config.name == "multi-step":
        milestones = [
            *(round(epoch * per_epoch) for epoch in config.milestones),
            *config.milestone_steps,
        ]
        return multi_step(lr, total, sorted(milestones), config.gamma, warmup=warmup)
    if config.name == "cosine":
        return cosine(lr, total, config.lr_end, warmup=warmup)
    power = config.power if config.name == "polynomial" else 1.0
    return polynomial(lr, total, config.lr_end, power, warmup=warmup)


def _damped(rates: np.ndarray, lr: float, warmup: Warmup) -> np.ndarray:
    """The first rates times a factor that grows linearly from lr_init / lr to 1."""
    grown = np.minimum(np.arange(len(rates)) / max(warmup.steps, 1), 1.0)
    least = warmup.lr_init / lr if warmup.steps else 1.0
    return (rates * (least + (1.0 - least) * grown)).astype(np.float32)


def check(config: ScheduleConfig) -> None:
    """Raise UserError, naming the field, where a value is out of its range."""
    for field in ("lr", "gamma", "power"):
        value = getattr(config, field)
        if not (np.isfinite(value) and value > 0):
            raise UserError(f"schedule.{field}: {value} is not > 0.")
    for field in ("lr_init", "lr_end", "warmup_epochs", "warmup_steps"):
        value = getattr(config, field)
        if not (np.isfinite(value) and value >= 0):
            raise UserError(f"schedule.{field}: {value} is not >= 0.")
    if config.name == "multi-step" and not (config.milestones or config.milestone_steps):
        raise UserError("schedule.milestones: multi-step needs at least one epoch, e.g. [60,80].")
    for field in ("milestones", "milestone_steps"):
        milestones = getattr(config, field)
        if any(later <= earlier for earlier, later in zip((0.0, *milestones), milestones, strict=False)):
            raise UserError(f"schedule.{field}: {list(milestones)} are not positive and rising.")


def constant(lr: float, total_steps: int, *, warmup: Warmup = NO_WARMUP) -> np.ndarray:
    """`lr` at every step after the warmup; [total_steps] float32."""
    return _with_warmup(np.full(total_steps, lr), lr, warmup)


def linear(lr: float, total_steps: int, lr_end: float = 0.0, *, warmup: Warmup = NO_WARMUP) -> np.ndarray:
    """A straight line from `lr` after the warmup to `lr_end` at step `total_steps`; [total_steps] float32."""
    return polynomial(lr, total_steps, lr_end, 1.0, warmup=warmup)


def cosine(lr: float, total_steps: int, lr_end: float = 0.0, *, warmup: Warmup = NO_WARMUP) -> np.ndarray:
    """Half a cosine from `lr` to `lr_end`; with a warmup, the old SSD zoo's schedule, equal in float32.

    After W steps of warmup, step i of T has lr_end + (lr - lr_end) * (1 + cos(pi * (i - W) / (T - W))) / 2.

    Returns:
        [total_steps] float32.
    """
    rates = lr_end + (lr - lr_end) * (1.0 + np.cos(np.pi * _progress(total_steps, warmup))) / 2.0
    return _with_warmup(rates, lr, warmup)


def polynomial(
    lr: float, total_steps: int, lr_end: float = 0.0, power: float = 1.0, *, warmup: Warmup = NO_WARMUP
) -> np.ndarray:
    """lr_end + (lr - lr_end) * (1 - progress) ** power after the warmup; [total_steps] float32."""
    rates = lr_end + (lr - lr_end) * (1.0 - _progress(total_steps, warmup)) ** power
    return _with_warmup(rates, lr, warmup)


def multi_step(
    lr: float, total_steps: int, milestones: Sequence[int], gamma: float = 0.1, *, warmup: Warmup = NO_WARMUP
) -> np.ndarray:
    """`lr` times `gamma` for every milestone (a step number) that was reached; [total_steps] float32."""
    reached = np.searchsorted(np.asarray(milestones), np.arange(total_steps), side="right")
    return _with_warmup(lr * gamma**reached, lr, warmup)


def _progress(total_steps: int, warmup: Warmup) -> np.ndarray:
    """[total_steps] float64: 0 at the end of the warmup (and before), 1 at `total_steps`."""
    after = np.maximum(np.arange(total_steps) - warmup.steps, 0)
    return after / max(total_steps - warmup.steps, 1)


def _with_warmup(rates: np.ndarray, lr: float, warmup: Warmup) -> np.ndarray:
    """Put the warmup in front of `rates` (float64); rates that rounding made negative become 0."""
    steps = np.arange(min(warmup.steps, len(rates)))
    growth = warmup.lr_init + (lr - warmup.lr_init) * steps / max(warmup.steps, 1)
    return np.maximum(np.concatenate((growth, rates[len(steps) :])), 0.0).astype(np.float32)
