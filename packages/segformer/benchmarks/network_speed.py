"""A network of ours and the same one of Hugging Face (PyTorch), side by side: training step, forward pass, memory.

    python network_speed.py --torch-python PYTHON [--model segformer_b0] [--rounds 5] [--out FILE.json]

PYTHON is a Python with torch and transformers in it (or the variable MS_TORCH_PYTHON); they are no dependency of ours.
Both sides run in processes of their own (a fresh one for each kind of work, whose peak memory is therefore its own),
take turns, a round each, so that a busy machine hits both, and use `--threads` threads. Of each round the fastest step
counts; printed are the median over the rounds, their spread (largest - smallest, as a share) and the ratio of the
rounds, ours to PyTorch's. Both train with AdamW on the same random picture and labels; forward passes end with the
logits at a quarter of the size.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
SIDES = {"ours": "_network_ours.py", "torch": "_network_hugging_face.py"}
STEPS = {"train": 4, "forward": 8}
"""Steps of a round."""


@dataclass(frozen=True)
class Work:
    """What is measured."""

    kind: str
    """train | forward."""
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.kind} {self.height}x{self.width}"


WORKS = (Work("train", 256, 512), Work("forward", 256, 512), Work("forward", 512, 1024))


class Worker:
    """A process that does steps when told: a line "N" in, a line with JSON back."""

    def __init__(self, python: str, script: str, work: Work, model: str, threads: int) -> None:
        arguments = [work.kind, str(work.height), str(work.width), model, str(threads)]
        # Both libraries size their pools by this variable where they are not told otherwise.
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "GLOG_v": "3"}
        self.process = subprocess.Popen(
            [python, str(HERE / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.ready = self._answer()

    def run(self, steps: int) -> dict[str, float]:
        """Seconds of the fastest of `steps` steps, mean CPU seconds, peak memory in bytes."""
        assert self.process.stdin
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(
            f"{self.process.args[1]}: ended with code {self.process.wait()}; its message is above."
        )

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def check_torch(python: str | None) -> str:
    """The Python with PyTorch, or an exit that says what is missing."""
    if not python:
        raise SystemExit(
            "--torch-python (or MS_TORCH_PYTHON): name a Python that has torch and transformers."
        )
    probe = subprocess.run(
        [python, "-c", "import torch, transformers"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        raise SystemExit(
            f"{python}: {probe.stderr.strip().splitlines()[-1]}. Install torch and transformers there."
        )
    return python


def measure(work: Work, pythons: dict[str, str], model: str, rounds: int, threads: int) -> dict[str, object]:
    """One kind of work on both sides."""
    workers = {side: Worker(pythons[side], SIDES[side], work, model, threads) for side in SIDES}
    results: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, worker in workers.items():
            results[side].append(worker.run(STEPS[work.kind]))
    for worker in workers.values():
        worker.close()
    ratios = [a["seconds"] / b["seconds"] for a, b in zip(results["ours"], results["torch"], strict=True)]
    summary: dict[str, object] = {side: summary_of(rounds_) for side, rounds_ in results.items()}
    summary["ratio"] = statistics.median(ratios)
    summary["ratios"] = ratios
    summary["memory_ratio"] = results["ours"][-1]["peak_bytes"] / results["torch"][-1]["peak_bytes"]
    summary["first_call_seconds"] = {side: worker.ready["first_call"] for side, worker in workers.items()}
    return asdict(work) | summary


def summary_of(rounds: list[dict[str, float]]) -> dict[str, float]:
    seconds = [r["seconds"] for r in rounds]
    middle = statistics.median(seconds)
    return {
        "seconds": middle,
        "spread": (max(seconds) - min(seconds)) / middle,
        "cpu_seconds": statistics.median(r["cpu_seconds"] for r in rounds),
        "peak_bytes": rounds[-1]["peak_bytes"],
    }


def line(result: dict) -> str:
    ours, theirs = result["ours"], result["torch"]
    return (
        f"{result['kind']:8} {result['height']:4}x{result['width']:<5}"
        f" ours {ours['seconds'] * 1e3:7.1f} ms (+-{ours['spread']:4.0%})"
        f"  PyTorch {theirs['seconds'] * 1e3:7.1f} ms (+-{theirs['spread']:4.0%})  ratio {result['ratio']:.2f}"
        f"  CPU {ours['cpu_seconds']:.2f} / {theirs['cpu_seconds']:.2f} s"
        f"  memory {ours['peak_bytes'] / 1e9:.2f} / {theirs['peak_bytes'] / 1e9:.2f} GB = {result['memory_ratio']:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="SegFormer beside Hugging Face's: steps, forward passes, memory."
    )
    parser.add_argument("--torch-python", default=os.environ.get("MS_TORCH_PYTHON"))
    parser.add_argument("--model", default="segformer_b0")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    pythons = {"ours": sys.executable, "torch": check_torch(options.torch_python)}
    results = []
    for work in WORKS:
        results.append(measure(work, pythons, options.model, options.rounds, options.threads))
        print(line(results[-1]), flush=True)
    if options.out:
        about = {
            "model": options.model,
            "threads": options.threads,
            "rounds": options.rounds,
            "results": results,
        }
        options.out.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
