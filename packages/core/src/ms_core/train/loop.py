"""The training loop: batches through the step, evaluation, checkpoints, resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from mindspore import nn

from ms_core.checkpoint.read import read_metadata
from ms_core.device import barrier
from ms_core.errors import Interrupted, UserError
from ms_core.networks.mode import inference_mode
from ms_core.read_ahead import read_ahead, thread_count
from ms_core.run_folder import RunFolder
from ms_core.train.checkpoints import Checkpoints, averaged_weights, require_same_plan
from ms_core.train.config import TrainConfig, check
from ms_core.train.metrics import MetricsLog
from ms_core.train.progress import TrainingProgress, memory_mb
from ms_core.train.signals import StopRequested, StopSignals
from ms_core.train.sink import check_sink, sunk_steps
from ms_core.train.step import StepResult, TrainStep

Batch = tuple[np.ndarray, ...]
Evaluate = Callable[[nn.Cell], Mapping[str, float]]
DoSteps = Callable[[int], list[StepResult]]


class BatchSource(Protocol):
    """Every batch of a run, as a pure function of the step, so that any step can be asked for again."""

    steps_per_epoch: int
    """Steps of a pass over the data; the last pass of a run may be cut short."""

    def __len__(self) -> int:
        """Steps of the whole run."""

    def __getitem__(self, step: int) -> Batch:
        """The arrays of a step, always of the same shapes. Called from several threads."""

    def names(self, step: int) -> list[str]:
        """Files of the batch of a step, for messages."""


@dataclass(frozen=True)
class FitResult:
    """How a run ended."""

    steps: int
    """Steps finished, those before a resume and before `start_epoch` included."""
    skipped: int
    """Steps skipped because of an overflow."""
    best: float | None
    """Largest value of the best metric; None without evaluation."""
    best_epoch: int | None
    """Epoch that gave it."""
    seconds: float
    """Time of this part of the run."""
    checkpoint: Path
    """The checkpoint to use: best.ckpt, or last.ckpt without evaluation."""


def fit(
    step: TrainStep,
    batches: BatchSource,
    settings: TrainConfig,
    run: RunFolder,
    metadata: Mapping[str, Any],
    evaluate: Evaluate | None = None,
    *,
    resume: bool = False,
    resume_command: str | None = None,
) -> FitResult:
    """Train to the end, or until SIGINT or SIGTERM.

    Args:
        step: the compiled step; accumulation, clipping and averaging of `settings` are already in it.
        batches: every batch of the run.
        settings: of the loop.
        run: created before; takes log, metrics and checkpoints.
        metadata: written into every checkpoint.
        evaluate: called, on every rank that has one, with `step.network` in evaluation mode and with its
            averaged weights where the step keeps them; returns metrics by name.
        resume: go on from last.ckpt, bit for bit as if there had been no stop.
        resume_command: what a person types to go on after an interruption.

    Raises:
        Interrupted: after a signal; last.ckpt holds everything.
        UserError: bad input in a batch, too many overflows in a row, disk full.
    """
    check(settings)
    check_sink(settings.sink, step.runtime)
    if resume:
        require_resumable(step, batches, settings, run)
    loop = _Loop(step, batches, settings, run, metadata, evaluate)
    start = loop.checkpoints.restore() if resume else loop.begin()
    run.drop_metrics_after(start)
    try:
        with StopSignals() as stop:
            loop.train(start, stop)
    except StopRequested:
        command = resume_command or f"the same command with --resume {run.path}"
        done = f"stopped after step {step.steps_done} of {len(batches)}"
        raise Interrupted(f"{done}; go on with: {command}") from None
    finally:
        loop.metrics.close()
    return loop.finish()


def plan_of(step: TrainStep, batches: BatchSource, settings: TrainConfig) -> dict[str, int]:
    """What a resume must agree with, so that step N is the same batch again."""
    return {
        "steps_per_epoch": batches.steps_per_epoch,
        "batch_size": settings.batch_size,
        "devices": step.world_size,
    }


def require_resumable(step: TrainStep, batches: BatchSource, settings: TrainConfig, run: RunFolder) -> None:
    """Check that a run can go on with these settings; to be called before anything in its folder is replaced.

    Raises:
        UserError: nothing to resume, other batches, or more steps done than there are to do.
    """
    path = run.resume_checkpoint()
    metadata = read_metadata(path)
    require_same_plan(path, metadata, plan_of(step, batches, settings))
    done = metadata.get("step", 0)
    if done > len(batches):
        option = "iterations" if settings.iterations else "epochs"
        raise UserError(
            f"{path}: {done} steps are done, more than the run is to have ({len(batches)}). Raise --train.{option}."
        )


class _Loop:
    """One call of `fit`, with the arguments of it."""

    def __init__(
        self,
        step: TrainStep,
        batches: BatchSource,
        settings: TrainConfig,
        run: RunFolder,
        metadata: Mapping[str, Any],
        evaluate: Evaluate | None,
    ) -> None:
        self.step = step
        self.batches = batches
        self.settings = settings
        self.run = run
        self.evaluate = evaluate if settings.evaluate else None
        self.steps_per_epoch = batches.steps_per_epoch
        self.epochs = ceil(len(batches) / self.steps_per_epoch)
        self.first = settings.start_epoch * self.steps_per_epoch
        if self.first >= len(batches):
            raise UserError(
                f"train.start_epoch: {settings.start_epoch} is not before the end, step {len(batches)}. Lower it."
            )
        self.checkpoints = Checkpoints(
            step, run, metadata, plan_of(step, batches, settings), settings.keep_max
        )
        self.metrics = MetricsLog(run, tensorboard=settings.tensorboard)
        self.started = self.saved = time.monotonic()

    def begin(self) -> int:
        """Set the step of a new run to 0 or, with `start_epoch`, where that many epochs would have ended."""
        self.step.start_at(self.first)
        return self.first

    def train(self, start: int, stop: StopSignals) -> None:
        """Steps `start` (from 0) to the end."""
        total = len(self.batches)
        if start:
            self.run.log(f"going on after step {start} of {total}")
            if self._ends_epoch(start) and start > self.first:
                self._finish_epoch(self._epochs_after(start), stop)
        done = start
        with self._steps(start) as steps, self._progress(start) as progress:
            while done < total:
                to_end_of_epoch = min(self.steps_per_epoch - done % self.steps_per_epoch, total - done)
                count = min(self.settings.sink or 1, to_end_of_epoch)
                results = self._stretch(done, count, steps, progress, first=done == start)
                for number, result in enumerate(results, start=done + 1):
                    self._note(number, result, progress)
                done += count
                self._after(done, results, progress, stop)

    def finish(self) -> FitResult:
        """Log and return how the run ended."""
        checkpoints, seconds = self.checkpoints, time.monotonic() - self.started
        result = FitResult(
            steps=self.step.steps_done,
            skipped=self.step.steps_skipped,
            best=checkpoints.best,
            best_epoch=checkpoints.best_epoch,
            seconds=seconds,
            checkpoint=self.run.last_path if checkpoints.best is None else self.run.best_path,
        )
        self.run.log(
            f"trained {result.steps - self.first} steps ({result.skipped} skipped); this part took "
            f"{timedelta(seconds=round(seconds))}"
        )
        if result.best is not None:
            self.run.log(
                f"best {self.settings.best_metric} {result.best:.4f} after epoch {result.best_epoch}"
            )
        self.run.log(f"weights: {result.checkpoint}")
        return result

    def _progress(self, start: int) -> TrainingProgress:
        images = self.settings.batch_size * self.step.world_size
        return TrainingProgress(
            self.run, total=len(self.batches), done=start, images=images, steps_per_epoch=self.steps_per_epoch
        )

    @contextmanager
    def _steps(self, start: int) -> Iterator[DoSteps]:
        """What does the steps from `start` on, so many at a call."""
        workers = thread_count(self.settings.workers)
        if self.settings.sink and start < len(self.batches):
            with sunk_steps(self.step, self.batches, start, workers=workers) as do_steps:
                yield do_steps
            return
        numbers = range(start, len(self.batches))
        arrays = read_ahead(numbers, self.batches.__getitem__, workers=workers, ahead=workers + 2)
        yield lambda count: [self.step.run(next(arrays)) for _ in range(count)]

    def _stretch(
        self, done: int, count: int, steps: DoSteps, progress: TrainingProgress, *, first: bool
    ) -> list[StepResult]:
        """The next `count` steps: one, or those of a sunk stretch."""
        begin = time.monotonic()
        try:
            with progress.compiling() if first else nullcontext():
                results = steps(count)
        except UserError:
            self._save_last(self.step.steps_done)  # once the input is repaired, training can go on here
            raise
        seconds = None if first else (time.monotonic() - begin) / count
        progress.update(done + count, results[-1], seconds)
        return results

    def _note(self, done: int, result: StepResult, progress: TrainingProgress) -> None:
        """Keep the numbers of step number `done`."""
        if result.skipped:
            self._report_skip(done, result)
        self.metrics.collect(result)
        if done % self.settings.log_every == 0 or done == len(self.batches):
            self._record(done, result, progress)

    def _after(
        self, done: int, results: Sequence[StepResult], progress: TrainingProgress, stop: StopSignals
    ) -> None:
        """What happens between two steps; `done` of them are finished, `results` are the last of them."""
        if self._is_time_to_stop(results, stop):
            self._save_last(done, together=True)
            raise StopRequested
        if self._ends_epoch(done):
            progress.say(done, results[-1])
            self._save_last(done, together=True)
            self._finish_epoch(self._epochs_after(done), stop)
        elif time.monotonic() - self.saved > 60 * self.settings.save_minutes:
            self._save_last(done)

    def _ends_epoch(self, done: int) -> bool:
        """Whether an epoch, or the run, is over after `done` steps."""
        return done % self.steps_per_epoch == 0 or done == len(self.batches)

    def _epochs_after(self, done: int) -> int:
        """Epochs begun after `done` steps."""
        return ceil(done / self.steps_per_epoch)

    def _report_skip(self, done: int, result: StepResult) -> None:
        self.run.log(f"step {done}: overflow, skipped (loss {result.loss:.4g}, loss scale {result.scale:g})")
        if result.skipped_in_a_row >= self.settings.max_skipped_steps:
            names = ", ".join(self.batches.names(done - 1))
            raise UserError(
                f"{result.skipped_in_a_row} steps in a row overflowed, the last one with {names}. "
                f"Check these files; if they are sound, lower --schedule.lr or set --train.clip-norm."
            )

    def _record(self, done: int, result: StepResult, progress: TrainingProgress) -> None:
        self.metrics.training(
            done,
            done / self.steps_per_epoch,
            result,
            images_per_second=round(progress.images_per_second, 2),
            skipped=self.step.steps_skipped,
            memory_mb=round(memory_mb()),
        )

    def _is_time_to_stop(self, results: Sequence[StepResult], stop: StopSignals) -> bool:
        """One device stops at once; several agree through the next step and stop after it together."""
        if self.step.world_size == 1:
            return stop.requested
        agreed = any(result.stop for result in results)
        if stop.requested and not agreed:
            self.step.request_stop()
        return agreed

    def _save_last(self, done: int, *, together: bool = False) -> None:
        """`together`: all ranks are here."""
        if together:
            self.step.average_statistics()
        self.checkpoints.save_last(done / self.steps_per_epoch)
        if together:
            barrier(self.step.runtime)  # msrun kills all when one rank ends: not before rank 0 has written
        self.saved = time.monotonic()

    def _finish_epoch(self, epoch: int, stop: StopSignals) -> None:
        """Evaluate and keep epoch-N.ckpt where due; last.ckpt is written already, so nothing can be lost."""
        metrics: Mapping[str, float] = {}
        if self._is_evaluation_due(epoch):
            metrics = self._evaluate(epoch, stop)
        if self.settings.save_every and epoch % self.settings.save_every == 0:
            self.checkpoints.save_epoch(epoch, metrics)

    def _is_evaluation_due(self, epoch: int) -> bool:
        """Also false where an earlier part of the run has already done it."""
        if self.evaluate is None:
            return False
        start, interval = self.settings.eval_start, self.settings.eval_interval
        due = interval > 0 and epoch >= start and (epoch - start) % interval == 0
        done = any(r.get("kind") == "evaluation" and r["epoch"] == epoch for r in self.run.read_metrics())
        return (due or epoch == self.epochs) and not done

    def _evaluate(self, epoch: int, stop: StopSignals) -> Mapping[str, float]:
        assert self.evaluate is not None
        begin = time.monotonic()
        with averaged_weights(self.step), inference_mode(self.step.network), stop.at_once():
            metrics = self.evaluate(self.step.network)
        seconds = time.monotonic() - begin
        better = self.checkpoints.save_best(epoch, metrics, self.settings.best_metric)
        step = min(epoch * self.steps_per_epoch, len(self.batches))
        self.metrics.evaluation(step, epoch, seconds, metrics)
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self.run.log(
            f"epoch {epoch} evaluated in {seconds:.0f} s: {numbers}" + ("  (best so far)" if better else "")
        )
        return metrics
