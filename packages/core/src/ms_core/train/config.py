"""Settings of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean


@dataclass(frozen=True)
class TrainConfig:
    epochs: int = 100
    """Passes over the training set, >= 1."""
    iterations: int = 0
    """Updates of the weights in the whole run, whatever `epochs` says; 0: `epochs` counts."""
    start_epoch: int = 0
    """Epochs that count as done: schedule, data order and numbers go on from there, up to the end, 0 or more."""
    batch_size: int = 32
    """Images a step and a device, >= 1."""
    accumulate: int = 1
    """Batches whose gradients are averaged into one update of the weights, >= 1."""
    clip_norm: float = 0.0
    """Largest global norm of the gradients, > 0; 0 switches clipping off."""
    ema_decay: float = 0.0
    """Decay of the moving average of the weights, 0-1; 0 switches it off."""
    freeze_norm: bool = False
    """Batch normalisations use, and keep, their moving statistics; scale and shift still learn. For tiny batches."""
    sync_batch_norm: bool = False
    """Batch normalisations take their statistics over the batches of all devices."""
    sink: int = 0
    """Steps done at a stretch with batches that a queue on the device holds ready (Ascend and GPU; 0: off). Signals
    and checkpoints wait for the end of the stretch. Never tried on a device."""
    max_skipped_steps: int = 20
    """Consecutive overflowed steps after which training stops with the file names of the last batch, >= 1."""
    workers: int = 2
    """Threads that prepare batches, >= 1; more than the machine has cores are not started."""
    log_every: int = 10
    """Steps between lines of metrics.jsonl, >= 1."""
    save_every: int = 0
    """Epochs between checkpoints that are kept as epoch-N.ckpt; 0 keeps none."""
    keep_max: int = 5
    """Most epoch-N.ckpt files at a time, >= 1; the oldest is removed."""
    save_minutes: float = 15.0
    """Minutes after which last.ckpt is also written within a long epoch, >= 0."""
    evaluate: bool = True
    """Evaluate while training, where there is validation data."""
    eval_start: int = 1
    """First epoch after which the network is evaluated, >= 1."""
    eval_interval: int = 1
    """Epochs between evaluations, >= 1; 0 evaluates after the last epoch only."""
    best_metric: str = "AP"
    """The metric whose largest value makes best.ckpt."""
    tensorboard: bool = False
    """Also write TensorBoard event files (needs `pip install "ms-core[logs]"`)."""


def check(config: TrainConfig) -> None:
    """Raise UserError, naming the field, where a value is out of its range."""
    check_workers(config)
    least = {
        "epochs": 1,
        "iterations": 0,
        "start_epoch": 0,
        "batch_size": 1,
        "accumulate": 1,
        "clip_norm": 0,
        "ema_decay": 0,
        "sink": 0,
        "max_skipped_steps": 1,
        "log_every": 1,
        "save_every": 0,
        "keep_max": 1,
        "save_minutes": 0,
        "eval_start": 1,
        "eval_interval": 0,
    }
    for field, minimum in least.items():
        if not getattr(config, field) >= minimum:
            raise _below(config, field, minimum)
    if config.freeze_norm and config.sync_batch_norm:
        raise UserError(
            "train.freeze_norm: leaves no statistics to synchronise. Drop it, or --train.sync-batch-norm."
        )
    if config.start_epoch >= config.epochs and not config.iterations:
        raise UserError(
            f"train.start_epoch: {config.start_epoch} leaves nothing of the {config.epochs} epochs. "
            "train.epochs is the total, those before included: raise it."
        )
    if not config.ema_decay < 1:
        raise UserError(f"train.ema_decay: {config.ema_decay} is not below 1.")


def check_workers(config: TrainConfig) -> None:
    """Raise UserError where no thread would prepare anything; the one setting that evaluation and prediction read."""
    if config.workers < 1:
        raise _below(config, "workers", 1)


def _below(config: TrainConfig, field: str, minimum: int) -> UserError:
    return UserError(f"train.{field}: {getattr(config, field)} is below {minimum}.")


def check_best_metric(config: TrainConfig, measured: Sequence[str]) -> None:
    """Raise UserError where `best_metric` is not among those that evaluation measures."""
    if config.best_metric not in measured:
        hint = did_you_mean(config.best_metric, measured) or f" Measured are: {', '.join(measured)}."
        raise UserError(f"train.best_metric: {config.best_metric!r} is not measured.{hint}")
