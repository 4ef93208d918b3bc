"""Pictures of many sizes: one graph for all of them, a graph for each size, or operation by operation, in one run.

    python packages/segformer/benchmarks/inference_shapes.py [--model segformer_b0] [--rounds 3] [--json FILE]

Each way runs in a process of its own: the first call of every size (which compiles, or does not), then the median of
further ones, and the memory at the end. All must give the same logits; the largest difference is told.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WAYS = ("open", "fixed", "pynative")
SIZES = ((256, 512), (512, 512), (360, 480), (200, 328))
"""(height, width), pixels."""


def measure(way: str, model: str, rounds: int, logits: Path) -> dict:
    """In a process of its own."""
    import mindspore as ms
    import ms_segformer.segmenter
    import psutil
    from ms_core import device
    from ms_segformer.config import InferenceConfig
    from ms_segformer.models import build_model
    from ms_segformer.segmenter import Segmenter

    ms_segformer.segmenter.OFTEN = rounds + 2  # every size stays with the graph for any size
    device.start("cpu", mode="pynative" if way == "pynative" else "graph")
    network = build_model(model, 19)
    network.set_train(False)
    segmenter, rng = Segmenter(network, InferenceConfig()), np.random.default_rng(0)
    segmenter.forward(np.zeros((1, 3, 32, 32), np.float32))  # so that all sizes below are further ones
    inputs = [rng.standard_normal((1, 3, *size)).astype(np.float32) for size in SIZES]
    times: dict[str, dict[str, float]] = {}
    outputs = {}
    for pixels in inputs:
        if way == "fixed":
            segmenter = Segmenter(
                network, InferenceConfig(mode="slide")
            )  # windows have graphs of fixed sizes
        seconds = []
        for _ in range(rounds + 1):
            begin = time.perf_counter()
            found = segmenter.forward(pixels)
            seconds.append(time.perf_counter() - begin)
        name = f"{pixels.shape[2]}x{pixels.shape[3]}"
        times[name] = {"first_s": round(seconds[0], 2), "then_s": round(float(np.median(seconds[1:])), 3)}
        outputs[name] = found
    np.savez(logits, **outputs)
    memory = psutil.Process().memory_info().rss / 2**20
    return {"mindspore": ms.__version__, "sizes": times, "memory_mib": round(memory)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="segformer_b0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        way, file = arguments.child
        print(json.dumps(measure(way, arguments.model, arguments.rounds, Path(file))))
        return 0
    results, outputs = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            file = Path(folder) / f"{way}.npz"
            options = [
                "--model",
                arguments.model,
                "--rounds",
                str(arguments.rounds),
                "--child",
                way,
                str(file),
            ]
            done = subprocess.run(
                [sys.executable, __file__, *options], capture_output=True, text=True, check=True
            )
            results[way] = json.loads(done.stdout.splitlines()[-1])
            with np.load(file) as arrays:
                outputs[way] = dict(arrays)
            differences = (np.abs(outputs[way][name] - outputs["open"][name]).max() for name in outputs[way])
            results[way]["difference_to_open"] = float(max(differences))
            print(way, json.dumps(results[way], indent=1), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
