"""Training of every detector on this machine: first call, step time, forward time and peak memory.

    python packages/core/benchmarks/networks.py [--models ssd300 ...] [--steps 5] [--json FILE]

Every network of the installed packages runs in a process of its own, with 81 classes: batch 8 up to 320 pixels, batch 2
above. The first call includes compiling, without a compile cache. Step and forward time are the medians of --steps
calls; CPU seconds are all threads'. Memory is the process's peak, after the training step and before the forward pass.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = ("ms_ssd", "ms_ssdlite_fpn")
CLASSES = 81


def models() -> dict[str, str]:
    """Network -> package, of those that are installed."""
    found = {}
    for package in PACKAGES:
        if importlib.util.find_spec(package) is not None:
            found.update(dict.fromkeys(importlib.import_module(package).MODELS, package))
    return found


def measure(model: str, steps: int, batch: int | None, cache: Path | None) -> dict[str, Any]:
    """Train `model` for 1 + `steps` steps in this process, then run it forward; `cache` holds compiled graphs."""
    from ms_core import device
    from ms_core.compile_cache import CompileCache, keep_compiled_graphs

    runtime = device.start("cpu", seed=1)
    keep_compiled_graphs("off" if cache is None else str(cache), runtime)
    network, step, arrays = training(model, batch)
    first = timed(lambda: step.run(arrays))
    later = [timed(lambda: step.run(arrays)) for _ in range(steps)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    weights = b"".join(p.asnumpy().tobytes() for p in step.get_parameters())
    result = {
        "model": model,
        "input": list(network.input_size),
        "batch": len(arrays[0]),
        "anchors": len(network.anchors),
        "parameters": sum(p.size for p in network.get_parameters()),
        "first_call_s": first[0],
        "first_call_cpu_s": first[1],
        "step_s": statistics.median(wall for wall, _ in later),
        "step_cpu_s": statistics.median(cpu for _, cpu in later),
        "peak_mib": peak,
        "weights_md5": hashlib.md5(weights).hexdigest(),
    }
    if cache is None:
        result["forward_ms"] = forward_milliseconds(network, steps)
    else:
        result["kept_graphs"] = len(list(CompileCache(cache).folder.glob("*.graph")))
    return result


def training(model: str, batch: int | None) -> tuple[Any, Any, tuple[Any, ...]]:
    """(network, its training step, one batch of random arrays)."""
    import numpy as np
    from ms_core.detection.losses import SingleShotLoss
    from ms_core.single_shot.network import TrainingNetwork
    from ms_core.train.step import TrainStep

    build = importlib.import_module(models()[model]).build_model
    network = build(model, num_classes=CLASSES, seed=1)
    loss = SingleShotLoss(network.loss_alpha, 2.0, network.loss_loc_reduce)
    step = TrainStep(TrainingNetwork(network, loss), lr=np.full(100, 1e-4))
    size, rng = network.input_size, np.random.default_rng(0)
    count, anchors = batch or (8 if max(size) <= 320 else 2), len(network.anchors)
    labels = np.zeros((count, anchors), np.int32)
    labels[:, :: anchors // 30] = rng.integers(1, CLASSES)
    images = rng.standard_normal((count, 3, *size), np.float32)
    boxes = rng.standard_normal((count, anchors, 4), np.float32)
    return network, step, (images, boxes, labels, (labels > 0).sum(1).astype(np.int32))


def forward_milliseconds(network: Any, calls: int) -> float:
    """One picture through the network in evaluation mode; median."""
    import numpy as np
    from mindspore import Tensor

    network.set_train(False)
    image = Tensor(np.zeros((1, 3, *network.input_size), np.float32))
    network(image)[0].asnumpy()
    return 1000 * statistics.median(timed(lambda: network(image)[0].asnumpy())[0] for _ in range(calls))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """(seconds by the clock, CPU seconds of all threads)."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def in_new_process(
    model: str, steps: int, batch: int | None = None, cache: Path | None = None
) -> dict[str, Any]:
    """`measure` in a process of its own."""
    words = [sys.executable, __file__, "--child", model, "--steps", str(steps)]
    words += [] if batch is None else ["--batch", str(batch)]
    words += [] if cache is None else ["--cache", str(cache)]
    done = subprocess.run(
        words, env={**os.environ, "GLOG_v": "3"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{model}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", help="default: all")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments.child, arguments.steps, arguments.batch, arguments.cache)))
        return
    print(
        f"{'network':<24}{'input':>10}{'batch':>6}{'anchors':>9}{'params M':>9}{'first s':>9}{'(CPU)':>7}"
        f"{'step s':>8}{'(CPU)':>7}{'fwd ms':>8}{'peak MiB':>10}"
    )
    results = []
    for model in arguments.models or models():
        found = in_new_process(model, arguments.steps, arguments.batch)
        results.append(found)
        height, width = found["input"]
        print(
            f"{model:<24}{f'{width}x{height}':>10}{found['batch']:>6}{found['anchors']:>9}"
            f"{found['parameters'] / 1e6:>9.2f}{found['first_call_s']:>9.1f}{found['first_call_cpu_s']:>7.1f}"
            f"{found['step_s']:>8.2f}{found['step_cpu_s']:>7.2f}{found['forward_ms']:>8.0f}{found['peak_mib']:>10.0f}",
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
