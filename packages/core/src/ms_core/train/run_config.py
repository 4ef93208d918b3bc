"""The part of a configuration that every training has, whatever it trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ms_core.loss_scale import LossScaleConfig
from ms_core.optim import OptimizerConfig
from ms_core.precision import PrecisionConfig
from ms_core.schedules import ScheduleConfig
from ms_core.train.config import TrainConfig


@dataclass(frozen=True)
class RunConfig:
    train: TrainConfig = field(default_factory=TrainConfig)
    """The training loop."""
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Learning rate."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """Optimiser and parameter groups."""
    precision: PrecisionConfig = field(default_factory=PrecisionConfig)
    """Mixed precision."""
    loss_scale: LossScaleConfig = field(default_factory=LossScaleConfig)
    """Loss scaling."""
    weights: Path | None = None
    """File the network starts from: a checkpoint of ours, of the old zoo, or of others (the README lists whose)."""
    weights_filter: tuple[str, ...] = ()
    """Parts of parameter names, ours or the old zoo's; what has one keeps its initial values."""
    reset_head: bool = False
    """The prediction layers keep their initial values, even where those of `weights` would fit."""
    backbone_weights: Path | None = None
    """File for the backbone alone, a classification network's for example; `weights`, if given, comes after it."""
    device: str = "auto"
    """auto | cpu | gpu | ascend, with :ID for one of several."""
    mode: Literal["graph", "pynative"] = "graph"
    """Compiled graphs, or operation by operation for debugging."""
    compile_cache: str = "off"
    """Where compiled graphs are kept for later runs: a folder; "auto": the user's cache folder, on one CPU; "off"."""
    seed: int = 1
    """One seed fixes initial weights, data order and augmentation."""
