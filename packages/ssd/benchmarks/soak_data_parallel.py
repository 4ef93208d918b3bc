"""Two processes with B photos each train as one process with 2 * B does: the same loss at each of 20 steps.

    python packages/ssd/benchmarks/soak_data_parallel.py [--weights mobilenet_v2-b0353104.pth] [--steps 20]

ssd300 on real photos of blood cells ($MS_SHARED/data/bccd), through `ms-ssd train` and msrun, once with frozen and
once with synchronised batch normalisation; with neither, the losses must differ. Exit code 1 if it is otherwise.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from ms_core.data.convert import write_coco
from ms_core.data.open import open_dataset
from ms_core.run_folder import RunFolder

SHARED = Path(os.environ.get("MS_SHARED", Path(__file__).resolve().parents[4] / "shared"))
BATCH = 2
"""Photos a step and a process."""
RATE = 0.0005
"""Learning rate. Rounding grows with every step, and the faster the larger the rate: with frozen normalisation the
losses are equal for three steps, then 1e-7, and after 20 steps 2e-4 apart at 0.002 and 1.3e-3 at the recipe's 0.02."""
MODES = {
    "frozen": (("--train.freeze-norm", "true"), 1e-4),
    "synchronised": (("--train.sync-batch-norm", "true"), 1e-3),
    "separate": ((), None),
}
"""Batch normalisation -> options, largest relative difference of a loss; None: the losses must differ by more than
any of these. Statistics over the four values of a 1x1 map magnify rounding, so "synchronised" may differ more."""


def photos(folder: Path, count: int) -> Path:
    """An annotation file of the first photos of the set."""
    dataset = open_dataset(SHARED / "data/bccd/BCCD/ImageSets/Main/train.txt", invalid_boxes="drop")
    few = replace(dataset, samples=dataset.samples[:count])
    write_coco(few, folder / "train.json", folder, overwrite=False)
    return folder / "train.json"


def train_words(annotations: Path, out: Path, batch: int, weights: Path | None, *more: str) -> list[str]:
    """The command line of an epoch with a record for every step."""
    options = [
        *("--config", "ssd300_finetune", "--device", "cpu", "--train.batch-size", str(batch)),
        *("--data.train", str(annotations), "--data.images", str(annotations.parent), "--out", str(out)),
        *("--train.epochs", "1", "--schedule.warmup-epochs", "0", "--train.log-every", "1"),
        *("--schedule.lr", str(RATE), "--schedule.lr-init", str(RATE)),
    ]
    start = [] if weights is None else ["--weights", str(weights)]
    return ["-m", "ms_ssd", "train", *options, *start, *more]


def losses(run: Path) -> np.ndarray:
    """Of every step."""
    return np.array([record["loss"] for record in RunFolder(run).read_metrics()])


def two_processes(words: list[str], log: Path) -> None:
    """Run a Python command line as two ranks."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = [
        sys.executable,
        "-m",
        "mindspore.parallel.cluster.run",
        "--worker_num=2",
        "--local_worker_num=2",
    ]
    options = [f"--master_port={port}", f"--log_dir={log}", "--join=True"]
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": path}  # msrun starts "python"
    subprocess.run(
        [*launcher, *options, "python", *words], check=True, env=environment, stdout=subprocess.DEVNULL
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=Path, help="without it training starts from nothing")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    arguments = parser.parse_args()
    if not (SHARED / "data" / "bccd").is_dir():
        sys.exit(f"skipped: no {SHARED / 'data' / 'bccd'}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        annotations = photos(folder, arguments.steps * 2 * BATCH)
        failed = [
            mode for mode in arguments.modes if not compare(mode, folder, annotations, arguments.weights)
        ]
    if failed:
        sys.exit(f"not as expected: {', '.join(failed)}")


def compare(mode: str, folder: Path, annotations: Path, weights: Path | None) -> bool:
    """Train both ways and print how far apart the losses are; whether that is as expected."""
    options, tolerance = MODES[mode]
    one, two = folder / f"{mode}-one", folder / f"{mode}-two"
    words = train_words(annotations, one, 2 * BATCH, weights, *options)
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    two_processes(train_words(annotations, two, BATCH, weights, *options), folder / f"{mode}-log")
    expected, found = losses(one), losses(two)
    apart = np.abs(found / expected - 1)
    worst = float(apart.max())
    print(
        f"{mode}: {len(expected)} steps, loss {expected[0]:.4f} to {expected[-1]:.4f}, largest relative difference "
        f"{worst:.1e}; by step: {' '.join(f'{value:.0e}' for value in apart)}",
        flush=True,
    )
    return worst > 1e-3 if tolerance is None else worst <= tolerance


if __name__ == "__main__":
    main()
