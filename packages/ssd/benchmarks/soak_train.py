"""Train, interrupt at random moments, resume, again and again: the end must equal an uninterrupted run, bit for bit.

    python packages/ssd/benchmarks/soak_train.py [--interruptions 6] [--epochs 6]

Runs `ms-ssd train` on synthetic pictures in processes of its own and stops them with SIGINT or SIGTERM by turns.
Fails (exit code 1) if a stop does not exit with 130 or the weights differ in a single bit.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ms_core.checkpoint.read import read_weights
from ms_core.data.synthetic import ShapesSet, make_shapes

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def train_command(shapes: ShapesSet, out: Path, epochs: int) -> list[str]:
    """A run of 8 steps an epoch with everything that has state switched on."""
    options = [
        *("--config", "ssd300_demo", "--input.iou-crop", "true"),
        *("--data.train", str(shapes.train), "--data.val", str(shapes.val), "--out", str(out)),
        *("--train.batch-size", "2", "--train.accumulate", "3", "--train.ema-decay", "0.9"),
        *("--train.epochs", str(epochs), "--train.eval-start", "2", "--train.eval-interval", "2"),
        *(
            "--loss-scale.mode",
            "dynamic",
            "--loss-scale.growth-interval",
            "5",
            "--schedule.warmup-epochs",
            "1",
        ),
    ]
    return [sys.executable, "-m", "ms_ssd", "train", *options]


def interrupt(command: list[str], signal_number: int, rng: random.Random) -> int:
    """Start, wait until training steps are running, wait a little more, send the signal; returns the exit code."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("compiled"):
            time.sleep(rng.uniform(0, 8))
            process.send_signal(signal_number)
            break
    process.communicate()
    return process.returncode


def differing(a: Path, b: Path) -> list[str]:
    """Names of arrays that are not equal bit for bit."""
    first, second = read_weights(a).arrays, read_weights(b).arrays
    return [name for name in first | second if not np.array_equal(first.get(name), second.get(name))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--interruptions", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        shapes = make_shapes(Path(folder) / "shapes", train=16, val=4, seed=1)
        whole, parts = Path(folder) / "whole", Path(folder) / "parts"
        subprocess.run(train_command(shapes, whole, arguments.epochs), check=True, stdout=subprocess.DEVNULL)
        command = train_command(shapes, parts, arguments.epochs)
        for number in range(arguments.interruptions):
            code = interrupt(command, SIGNALS[number % 2], rng)
            print(f"interruption {number + 1}: exit code {code}", flush=True)
            if code == 0:
                break  # the run was over before the signal came
            if code != 130:
                sys.exit(f"exit code {code}, expected 130")
            command = [sys.executable, "-m", "ms_ssd", "train", "--resume", str(parts)]
        else:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        names = differing(*(run / "checkpoints" / "last.ckpt" for run in (whole, parts)))
        if names:
            sys.exit(f"{len(names)} arrays differ, the first is {names[0]}")
        print("the interrupted and the uninterrupted run are equal, bit for bit")


if __name__ == "__main__":
    main()
