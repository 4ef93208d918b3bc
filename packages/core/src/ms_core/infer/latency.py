"""How long an exported model takes: calls one after the other, as a program that waits for each answer sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from ms_core.benchmark_table import write_benchmark
from ms_core.infer.runtimes import InferenceSession
from ms_core.run_folder import console

WARM_UP = 5
"""Calls that do not count: the first ones allocate memory, and MindSpore compiles."""


@dataclass(frozen=True)
class Latency:
    """Times of the calls that count; milliseconds a call."""

    model: str
    runtime: str
    device: str
    threads: int | None
    """None: the runtime's own choice."""
    batch_size: int
    """Pictures a call."""
    calls: int
    first: float
    """The first call of all, which does not count."""
    p50: float
    p95: float
    mean: float
    fastest: float
    slowest: float

    @property
    def pictures_per_second(self) -> float:
        """By the mean."""
        return 1e3 * self.batch_size / self.mean


def measure_latency(
    session: InferenceSession,
    inputs: Sequence[np.ndarray],
    calls: int,
    *,
    model: str,
    threads: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Call the model with the same inputs again and again.

    Args:
        inputs: in the manifest's order.
        calls: that count, >= 1; `WARM_UP` more come before them.
        model: name for the table.
        threads: what the session was opened with.
    """
    taken = np.empty(WARM_UP + calls)
    for number in range(len(taken)):
        begin = clock()
        session.run(*inputs)
        taken[number] = 1e3 * (clock() - begin)
    counted = taken[WARM_UP:]
    return Latency(
        model=model,
        runtime=session.runtime,
        device=session.device,
        threads=threads,
        batch_size=len(inputs[0]),
        calls=calls,
        first=float(taken[0]),
        p50=float(np.percentile(counted, 50)),
        p95=float(np.percentile(counted, 95)),
        mean=float(counted.mean()),
        fastest=float(counted.min()),
        slowest=float(counted.max()),
    )


def report_latency(latency: Latency, path: Path) -> None:
    """Print one row and write all numbers as JSON; a file that is there is replaced."""
    threads = "own choice" if latency.threads is None else str(latency.threads)
    cells = {
        "model": latency.model,
        "runtime": latency.runtime,
        "device": latency.device,
        "threads": threads,
        "batch": str(latency.batch_size),
        "p50": f"{latency.p50:.2f} ms",
        "p95": f"{latency.p95:.2f} ms",
        "mean": f"{latency.mean:.2f} ms",
        "pictures/s": f"{latency.pictures_per_second:.1f}",
    }
    table = Table(box=None, pad_edge=False)
    for title, cell in cells.items():  # a log file has no width to be fitted into
        table.add_column(title, justify="right", no_wrap=True, min_width=max(len(title), len(cell)))
    table.add_row(*cells.values())
    path.parent.mkdir(parents=True, exist_ok=True)
    console().print(table, crop=False)
    rounded = {name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(latency).items()}
    numbers = {"unit": "ms", **rounded, "pictures_per_second": round(latency.pictures_per_second, 3)}
    write_benchmark(numbers, path)
    print(f"{latency.calls} calls after {WARM_UP} that do not count; numbers in {path}")


def latency_file(name: str, out: Path | None) -> Path:
    """Where the numbers of a benchmark go: into the folder of the results, or else the working folder."""
    return Path(f"latency-{name}.json") if out is None else out / "latency.json"
