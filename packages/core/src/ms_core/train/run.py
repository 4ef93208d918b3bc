"""A training run from its first check to its last page: what `train` of every package does alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ms_core import device
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.config import to_yaml
from ms_core.data.network_input import single_thread_opencv
from ms_core.device import Runtime
from ms_core.errors import Interrupted
from ms_core.report import write_report
from ms_core.run_folder import RunFolder
from ms_core.train.config import check, check_best_metric
from ms_core.train.loop import BatchSource, Evaluate, FitResult, fit, require_resumable
from ms_core.train.run_config import RunConfig
from ms_core.train.sink import check_sink
from ms_core.train.step import TrainStep
from ms_core.train.transfer import check_transfer


def check_run(config: RunConfig, measured: Sequence[str], out: Path, overwrite: bool) -> None:
    """What can be refused before anything is read.

    Args:
        config: of the run.
        measured: names of the metrics that evaluation gives.
        out: run folder.
        overwrite: replace the results of a former run in `out`.

    Raises:
        UserError: a training setting out of range, a metric nobody measures, weights that `overwrite` would remove.
    """
    check(config.train)
    check_best_metric(config.train, measured)
    check_transfer(config, out, overwrite)


def start_run(config: RunConfig) -> Runtime:
    """Choose the device and connect to the other ranks.

    Raises:
        UserError: a device that is not there, or a setting that it does not have.
    """
    single_thread_opencv()
    runtime = device.start(config.device, mode=config.mode, seed=config.seed)
    keep_compiled_graphs(config.compile_cache, runtime, print)
    check_sink(config.train.sink, runtime)
    return runtime


def train_into(
    out: Path,
    step: TrainStep,
    batches: BatchSource,
    config: RunConfig,
    *,
    tool: str,
    metadata: Mapping[str, Any],
    describe: Callable[[RunFolder], None],
    evaluate: Evaluate | None,
    overwrite: bool,
    resume: bool,
) -> FitResult:
    """Make the run folder, train, and write its page, also after an interruption.

    Args:
        out: run folder.
        step, batches: see `fit`.
        config: of the run, with everything decided that it left open.
        tool: name of the command, such as `ms-ssd`.
        metadata: written into every checkpoint.
        describe: writes into the folder what the run works with.
        evaluate: see `fit`.
        overwrite: replace the results of a former run in `out`.
        resume: go on with the run in `out`.

    Raises:
        UserError: bad input, named.
        Interrupted: stopped by a signal; `resume` goes on.
    """
    run = RunFolder(out, is_main=step.runtime.is_main)
    if resume:
        require_resumable(step, batches, config.train, run)
    # Only now: a mistake found before costs neither a former run nor the configuration of this one.
    run.create(to_yaml(config), overwrite=overwrite, resume=resume)
    describe(run)
    command = f"{tool} train --resume {out}"
    try:
        result = fit(
            step, batches, config.train, run, metadata, evaluate, resume=resume, resume_command=command
        )
    except Interrupted:
        write_report(run)
        raise
    write_report(run)
    return result
