"""Numbers of a run: metrics.jsonl and, if asked for, TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ms_core.errors import UserError
from ms_core.run_folder import RunFolder
from ms_core.train.step import StepResult


class MetricsLog:
    """Writes training and evaluation records; only the main process does.

    A training record: kind "train", step, epoch, loss and its parts (means over the good steps since the last
    record), lr, images_per_second, gradient_norm, skipped (in all), scale, memory_mb.
    An evaluation record: kind "evaluation", step, epoch, seconds and the metrics.
    """

    def __init__(self, run: RunFolder, *, tensorboard: bool = False) -> None:
        """Raises UserError if TensorBoard is wanted and its writer is not installed."""
        self.run = run
        self._losses: list[StepResult] = []
        self._writer = _tensorboard_writer(run) if tensorboard and run.is_main else None

    def collect(self, result: StepResult) -> None:
        """Add a step to the means of the next record."""
        if not result.skipped:
            self._losses.append(result)

    def training(self, step: int, epoch: float, latest: StepResult, **more: float) -> None:
        """Write the record of the steps collected since the last one; `step` of them are finished in all."""
        record = {
            **self._means(),
            "lr": latest.lr,
            "gradient_norm": latest.gradient_norm,
            "scale": latest.scale,
            **more,
        }
        self._losses.clear()
        self._write("train", step, epoch, record)

    def evaluation(self, step: int, epoch: int, seconds: float, metrics: Mapping[str, float]) -> None:
        """Write the record of an evaluation."""
        self._write("evaluation", step, epoch, {"seconds": round(seconds, 2), **metrics})

    def close(self) -> None:
        """Finish the TensorBoard file."""
        if self._writer is not None:
            self._writer.close()

    def _means(self) -> dict[str, float]:
        if not self._losses:
            return {}
        count = len(self._losses)
        means = {"loss": sum(result.loss for result in self._losses) / count}
        for name in self._losses[0].parts:
            means[f"loss_{name}"] = sum(result.parts[name] for result in self._losses) / count
        return means

    def _write(self, kind: str, step: int, epoch: float, record: Mapping[str, float]) -> None:
        self.run.append_metrics({"kind": kind, "step": step, "epoch": round(epoch, 4), **record})
        if self._writer is not None:
            for name, value in record.items():
                self._writer.add_scalar(f"{kind}/{name}", value, step)


def _tensorboard_writer(run: RunFolder) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise UserError(
            'train.tensorboard: tensorboardX is not installed. Run: python -m pip install "ms-core[logs]"'
        ) from error
    return SummaryWriter(str(run.path / "tensorboard"))
