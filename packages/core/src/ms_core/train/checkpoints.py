"""What a run keeps on disk, and how it goes on from there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Parameter, Tensor

from ms_core.checkpoint.read import read_metadata, read_weights
from ms_core.checkpoint.write import write_checkpoint
from ms_core.errors import UserError
from ms_core.run_folder import RunFolder
from ms_core.train.step import TrainStep

_EPOCH_FILE = re.compile(r"epoch-(\d+)\.ckpt")


class Checkpoints:
    """last.ckpt (everything), best.ckpt and epoch-N.ckpt (the weights to use) of one run.

    Only the main process writes.

    Args:
        step: whose state is written and restored.
        run: where to.
        metadata: of the model; step, epoch, metrics and versions are added.
        plan: what makes step N of a run the same batch again, such as the batch size; a resume must agree with it.
        keep_max: most epoch-N.ckpt files.
    """

    def __init__(
        self,
        step: TrainStep,
        run: RunFolder,
        metadata: Mapping[str, Any],
        plan: Mapping[str, int],
        keep_max: int,
    ) -> None:
        self.step = step
        self.run = run
        versions = {name: version(name) for name in ("mindspore", "ms-core")}
        self.plan = dict(plan)
        self.metadata = {**metadata, "plan": self.plan, "versions": versions}
        self.keep_max = keep_max
        self.best: float | None = None
        self.best_epoch: int | None = None

    def save_last(self, epoch: float) -> None:
        """Everything that an exact resume needs; the previous file stays if this fails."""
        arrays = {name: parameter.asnumpy() for name, parameter in self.step.state().items()}
        self._write(self.run.last_path, arrays, epoch, {})

    def save_best(self, epoch: int, metrics: Mapping[str, float], metric: str) -> bool:
        """Write best.ckpt if `metrics[metric]` is the largest so far; not-a-number never is."""
        value = metrics.get(metric)
        if value is None:
            raise UserError(f"train.best_metric: no {metric!r} among the metrics: {', '.join(metrics)}.")
        if not np.isfinite(value) or (self.best is not None and value <= self.best):
            return False
        self.best, self.best_epoch = float(value), epoch
        self._write(self.run.best_path, self.weights(), epoch, metrics)
        return True

    def save_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write epoch-N.ckpt and remove the oldest beyond the bound."""
        self._write(self.run.checkpoints / f"epoch-{epoch}.ckpt", self.weights(), epoch, metrics)
        if self.run.is_main:
            for file in self._epoch_files()[: -self.keep_max]:
                file.unlink()

    def weights(self) -> dict[str, np.ndarray]:
        """The network's arrays by name; trained ones as their moving average, if there is one."""
        arrays = {name: parameter.asnumpy() for name, parameter in self.step.network_parameters().items()}
        if self.step.ema_decay:
            for weight, average in zip(self.step.weights, self.step.ema, strict=True):
                arrays[weight.name] = average.asnumpy()
        return arrays

    def restore(self) -> int:
        """Set every parameter of the step from last.ckpt; returns the number of finished steps.

        Raises:
            UserError: no such file, or one that another configuration wrote.
        """
        path = self.run.resume_checkpoint()
        weights = read_weights(path)
        arrays, state = weights.arrays, self.step.state()
        require_same_plan(path, weights.metadata, self.plan)
        _require_same(path, state, arrays)
        for name, parameter in state.items():
            parameter.set_data(Tensor(arrays[name]))
        self._restore_best()
        return self.step.steps_done

    def _restore_best(self) -> None:
        """The best metric so far is what best.ckpt says: last.ckpt is written before the evaluation."""
        if self.run.best_path.is_file():
            metadata = read_metadata(self.run.best_path)
            self.best, self.best_epoch = metadata.get("best"), metadata.get("best_epoch")

    def _epoch_files(self) -> list[Path]:
        numbered = [(_EPOCH_FILE.fullmatch(p.name), p) for p in self.run.checkpoints.iterdir()]
        return [p for _, p in sorted((int(match[1]), p) for match, p in numbered if match)]

    def _write(
        self, path: Path, arrays: Mapping[str, np.ndarray], epoch: float, metrics: Mapping[str, float]
    ) -> None:
        if not self.run.is_main:
            return
        facts = {"step": self.step.steps_done, "epoch": epoch, "metrics": _plain(metrics)}
        best = {"best": self.best, "best_epoch": self.best_epoch}
        write_checkpoint(path, arrays, {**self.metadata, **facts, **best})


def _plain(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """JSON knows no NaN."""
    return {name: float(value) if np.isfinite(value) else None for name, value in metrics.items()}


def require_same_plan(path: Path, metadata: Mapping[str, Any], plan: Mapping[str, int]) -> None:
    """Raise UserError where step N of the run that wrote last.ckpt would be another batch now.

    Args:
        path: last.ckpt.
        metadata: what it says of itself.
        plan: see `Checkpoints`.
    """
    stored = metadata.get("plan", {})
    for name, value in plan.items():
        if stored.get(name, value) != value:
            raise UserError(
                f"{path}: was written with {name} {stored[name]}, now it is {value}: its step count would mean other "
                "batches. Resume with the settings of that run, or start a new one with --weights."
            )


def _require_same(path: Path, state: Mapping[str, Parameter], arrays: Mapping[str, np.ndarray]) -> None:
    remedy = "Resume with the config.yaml of that run."
    for name, parameter in state.items():
        if name not in arrays:
            raise UserError(f"{path}: holds no {name!r}: it was written with other settings. {remedy}")
        found, expected = list(arrays[name].shape), list(parameter.shape)
        if found != expected:
            raise UserError(f"{path}: {name} is {found}, not {expected}: another network wrote it. {remedy}")


@contextmanager
def averaged_weights(step: TrainStep) -> Iterator[None]:
    """Inside, the network's weights are their moving average, if the step keeps one; after, its own again."""
    if not step.ema_decay:
        yield
        return
    live = [weight.asnumpy().copy() for weight in step.weights]
    try:
        for weight, average in zip(step.weights, step.ema, strict=True):
            weight.set_data(Tensor(average.asnumpy()))
        yield
    finally:
        for weight, own in zip(step.weights, live, strict=True):
            weight.set_data(Tensor(own))
