"""Measuring how fast things are on this machine: what the verb `benchmark` of every command has in common."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from ms_core.read_ahead import read_ahead, thread_count
from ms_core.run_folder import environment

if TYPE_CHECKING:
    import numpy as np

    from ms_core.device import Runtime
    from ms_core.train.config import TrainConfig
    from ms_core.train.order import BatchOrder
    from ms_core.train.step import TrainStep


class OrderedBatches(Protocol):
    """Batches of a training run; see `ms_core.train.loop.BatchSource`."""

    order: BatchOrder

    def __len__(self) -> int: ...

    def __getitem__(self, step: int) -> tuple[np.ndarray, ...]: ...


WARM_UP = 2
"""Calls after the first that do not count: caches and threads settle."""
Clock = Callable[[], float]


@dataclass(frozen=True)
class Timing:
    """Seconds of repeated calls."""

    first: float
    """The first call, with the compilation of the graph."""
    median: float
    fastest: float
    slowest: float
    calls: int
    """Without the first and the warming up."""


def time_calls(work: Callable[[], object], calls: int, *, clock: Clock = time.perf_counter) -> Timing:
    """Time `work`, which returns when it is done, `calls` times after a first call and `WARM_UP` more."""
    seconds = []
    for _ in range(1 + WARM_UP + calls):
        begin = clock()
        work()
        seconds.append(clock() - begin)
    counted = seconds[1 + WARM_UP :]
    return Timing(seconds[0], median(counted), min(counted), max(counted), calls)


def time_training(step: TrainStep, batches: OrderedBatches, steps: int) -> Timing:
    """Training steps on one batch that lies ready, so that the input pipeline does not count."""
    batch = batches[0]
    return time_calls(lambda: step.run(batch), steps)


def pipeline_rate(
    batches: OrderedBatches, steps: int, *, workers: int, clock: Clock = time.perf_counter
) -> float:
    """Images a second of reading, augmenting and encoding as training does it, while nothing else runs."""
    numbers = (number % len(batches) for number in range(WARM_UP + steps))
    workers = thread_count(workers)
    arrays = read_ahead(numbers, batches.__getitem__, workers=workers, ahead=workers + 2)
    _exhaust(islice(arrays, WARM_UP))
    begin = clock()
    _exhaust(arrays)
    return steps * batches.order.batch_size / (clock() - begin)


def _exhaust(items: Iterable[object]) -> None:
    for _ in items:
        pass


def peak_memory_mb() -> int | None:
    """Largest resident memory of this process so far, MiB; None on Windows, which does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 2**20 if sys.platform == "darwin" else peak / 2**10)


def measure_parts(
    parts: Iterable[str], skip: Collection[str], measure: Callable[[str], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Numbers of every part that is not skipped, with the peak of memory at its end."""
    results: dict[str, dict[str, Any]] = {}
    for part in parts:
        if part not in skip:
            print(f"measuring {part} ...", flush=True)
            results[part] = {**measure(part), "peak_memory_mb": peak_memory_mb()}
    return results


def step_numbers(timing: Timing, batch_size: int) -> dict[str, Any]:
    """A training step for the JSON file."""
    return {**seconds_of(timing), "images_per_second": round(batch_size / timing.median, 2)}


def seconds_of(timing: Timing) -> dict[str, Any]:
    """For the JSON file."""
    return {name: round(value, 5) for name, value in asdict(timing).items()}


def surroundings(config: TrainConfig, runtime: Runtime) -> dict[str, Any]:
    """What numbers depend on besides the network: device, machine, versions, threads."""
    return {
        "device": str(runtime),
        "environment": environment(),
        "threads": {
            "cores": os.cpu_count(),
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
            "workers": config.workers,
        },
        "memory_mb": round(psutil.virtual_memory().total / 2**20),
    }
