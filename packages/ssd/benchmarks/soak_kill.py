"""Kill a training with SIGKILL at random moments and resume it, again and again: nothing may ever be lost or torn.

    python packages/ssd/benchmarks/soak_kill.py [--kills 20] [--epochs 32] [--seed 0]

Runs `ms-ssd train` on synthetic pictures, which writes last.ckpt after every step. After each kill last.ckpt must
be complete: readable, with the arrays and the step count of a whole state. At the end the weights must equal those
of an uninterrupted run, bit for bit, and nothing but the run's files may be left in its folder. Exit code 1 if not.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ms_core.checkpoint.read import read_weights
from ms_core.data.synthetic import ShapesSet, make_shapes
from ms_core.run_folder import RunFolder

PICTURES, BATCH = 16, 2
STEPS_PER_EPOCH = PICTURES // BATCH


def train_command(shapes: ShapesSet, out: Path, epochs: int) -> list[str]:
    """Everything that has state is switched on; last.ckpt is written after every step."""
    options = {
        "data.train": shapes.train,
        "data.val": shapes.val,
        "out": out,
        "input.iou-crop": "true",
        "train.batch-size": BATCH,
        "train.accumulate": 3,
        "train.ema-decay": 0.9,
        "train.epochs": epochs,
        "train.save-minutes": 0,
        "train.save-every": 2,
        "train.keep-max": 2,
        "train.log-every": 1,
        "train.eval-start": 2,
        "train.eval-interval": 2,
        "loss-scale.mode": "dynamic",
        "loss-scale.growth-interval": 5,
        "schedule.warmup-epochs": 1,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "ms_ssd", "train", "--config", "ssd300_demo", *words]


@dataclass
class Patience:
    """When to kill: at any moment, yet so that the run does not end before the last kill."""

    rng: random.Random
    startup: float
    """Seconds from the start of a process to its first step, as measured last."""
    training: float
    """Seconds of steps between kills that on average bring a run to less than half of its end."""

    def draw(self) -> tuple[float, float]:
        """(seconds from the start, seconds from the first step) to live; one time in four it never does a step."""
        if self.rng.random() < 0.25:
            return self.rng.uniform(0, self.startup), 0.0
        return float("inf"), self.rng.uniform(0, self.training)


FOREVER = (float("inf"), float("inf"))


def run_and_kill(
    command: list[str], seconds: tuple[float, float], run: RunFolder
) -> tuple[bool, float | None]:
    """Kill a process so long after its start or its first step; (it was alive, seconds until its first step)."""
    begin, before, first_step = time.monotonic(), stamp(run), None
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            lived = time.monotonic() - begin
            if first_step is None and stamp(run) != before:
                first_step = lived
            if lived > seconds[0] or (first_step is not None and lived - first_step > seconds[1]):
                break
            time.sleep(0.01)
        killed = process.poll() is None
        if killed:
            process.kill()
        _, errors = process.communicate()
    if not killed and process.returncode != 0:
        sys.exit(f"a training failed with exit code {process.returncode}:\n{errors}")
    return killed, first_step


def stamp(run: RunFolder) -> tuple[int, int] | None:
    """Changes whenever last.ckpt does."""
    if not run.last_path.exists():
        return None
    status = run.last_path.stat()
    return status.st_ino, status.st_mtime_ns


def check_checkpoint(run: RunFolder, names: set[str], at_least: int) -> int:
    """The step last.ckpt holds; ends the program where it is not a whole state, or an older one than before."""
    weights = read_weights(run.last_path)
    if weights.arrays.keys() != names:
        sys.exit(f"last.ckpt: holds {len(weights.arrays)} arrays, expected {len(names)}")
    step = int(weights.arrays["train.step"])
    if step != weights.metadata["step"] or step < at_least:
        sys.exit(f"last.ckpt: counter {step}, metadata {weights.metadata['step']}, before it was {at_least}")
    broken = [n for n, a in weights.arrays.items() if a.dtype.kind == "f" and not np.isfinite(a).all()]
    if broken:
        sys.exit(f"last.ckpt: {broken[0]} is not finite")
    return step


def leftovers(run: RunFolder) -> list[Path]:
    """Files that no finished run would hold."""
    return [path for path in run.path.rglob("*") if path.name.startswith(".") or path.suffix == ".tmp"]


def kill_often(command: list[str], run: RunFolder, kills: int, names: set[str], patience: Patience) -> int:
    """Kill and resume until it was done `kills` times or the run is over; returns the number of kills."""
    step = 0
    for number in range(1, kills + 1):
        begin = time.monotonic()
        killed, first_step = run_and_kill(command, patience.draw(), run)
        seconds = time.monotonic() - begin
        if first_step is not None:
            patience.startup = first_step
        if not killed:
            print(f"the run was over before kill {number}", flush=True)
            return number - 1
        if run.last_path.exists():
            step = check_checkpoint(run, names, step)
            command = resume_command(run)
        elif run.has_results:
            command = [*command, *([] if "--overwrite" in command else ["--overwrite"])]
        left = leftovers(run)
        print(f"kill {number} after {seconds:.1f} s: step {step}, temporary files {len(left)}", flush=True)
        if len(left) > 3:
            sys.exit(f"temporary files pile up: {', '.join(path.name for path in left)}")
    return kills


def resume_command(run: RunFolder) -> list[str]:
    return [sys.executable, "-m", "ms_ssd", "train", "--resume", str(run.path)]


def differing(a: Path, b: Path) -> list[str]:
    """Names of arrays that are not equal bit for bit."""
    first, second = read_weights(a).arrays, read_weights(b).arrays
    return [name for name in first | second if not np.array_equal(first.get(name), second.get(name))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shapes = make_shapes(folder / "shapes", train=PICTURES, val=4, seed=1)
        whole, parts = RunFolder(folder / "whole"), RunFolder(folder / "parts")
        begin = time.monotonic()
        _, startup = run_and_kill(train_command(shapes, whole.path, arguments.epochs), FOREVER, whole)
        seconds = time.monotonic() - begin
        print(f"uninterrupted: {seconds:.0f} s, first step after {startup or 0:.0f} s", flush=True)
        names = set(read_weights(whole.last_path).arrays)
        command = train_command(shapes, parts.path, arguments.epochs)
        assert startup is not None
        rng = random.Random(arguments.seed)
        patience = Patience(rng, startup, (seconds - startup) / max(arguments.kills, 1))
        done = kill_often(command, parts, arguments.kills, names, patience)
        if parts.last_path.exists():
            command = resume_command(parts)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        report(whole, parts, done, arguments.kills)


def report(whole: RunFolder, parts: RunFolder, done: int, wanted: int) -> None:
    """Compare both runs; ends the program with exit code 1 where they differ."""
    for file in ("last.ckpt", "best.ckpt"):
        names = differing(whole.checkpoints / file, parts.checkpoints / file)
        if names:
            sys.exit(f"{file}: {len(names)} arrays differ, the first is {names[0]}")
    steps = [[r["step"] for r in run.read_metrics() if r["kind"] == "train"] for run in (whole, parts)]
    if steps[0] != steps[1]:
        sys.exit("metrics.jsonl: steps are missing or repeated")
    if left := leftovers(parts):
        sys.exit(f"left behind: {', '.join(path.name for path in left)}")
    if done < wanted:
        sys.exit(f"only {done} of {wanted} kills: the run was over too early. Raise --epochs.")
    print(f"killed {done} times, and equal to the uninterrupted run, bit for bit")


if __name__ == "__main__":
    main()
