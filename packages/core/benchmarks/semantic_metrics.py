"""What the mIoU of a picture costs: class map from logits, counting, and memory, beside plain NumPy, in one run.

    python packages/core/benchmarks/semantic_metrics.py [--images 500] [--compare 25] [--size 1024 2048] [--json FILE]

Every picture brings new logits float32 [19, H/4, W/4] (smooth, so that regions are as large as a street's, with noise)
and a label that agrees in most pixels; both are gone when the next one comes. Timed: `largest` (enlarging and
arg max, class by class) and `SemanticEvaluator.update`. Then, on a few pictures and taking turns with ours, what one
would write first: all logits at full size and np.argmax; np.bincount of 19 * label + prediction. Both must agree. The
exit code is 1 if `update` took 15 ms or more, or the process grew by more than --allowed MiB after the first tenth.
OpenCV uses one thread here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import psutil
from ms_core.evaluation.semantic import SemanticEvaluator
from ms_core.segmentation.planes import largest, whole_planes

CLASSES = 19
BOUND = 15.0
"""Milliseconds that counting a picture of 1024x2048 may take."""
Result = TypeVar("Result")


class Stopwatch:
    """Milliseconds of calls, by name."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    def __call__(self, name: str, work: Callable[[], Result]) -> Result:
        begin = time.perf_counter()
        result = work()
        self.times.setdefault(name, []).append((time.perf_counter() - begin) * 1e3)
        return result

    def report(self) -> dict[str, dict[str, float]]:
        """Name -> median, mean and 95th percentile, ms."""
        return {
            name: {
                "median_ms": round(float(np.median(times)), 2),
                "mean_ms": round(float(np.mean(times)), 2),
                "p95_ms": round(float(np.percentile(times, 95)), 2),
                "calls": len(times),
            }
            for name, times in self.times.items()
        }


def make_picture(seed: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(logits float32 [K, H/4, W/4], label uint8 [H, W], a tenth of it 255)."""
    rng = np.random.default_rng(seed)
    height, width = size[0] // 4, size[1] // 4
    rough = rng.standard_normal((CLASSES, 8, 16)).astype(np.float32) * 4
    logits = np.stack([cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC) for plane in rough])
    label = logits.argmax(0).astype(np.uint8)
    label[rng.random(label.shape) < 0.1] = 255
    logits += rng.standard_normal(logits.shape, dtype=np.float32)
    return logits, cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST)


def plain_map(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """All logits at full size, then np.argmax."""
    return np.stack([cv2.resize(plane, size[::-1]) for plane in logits]).argmax(0).astype(np.uint8)


def plain_counts(prediction: np.ndarray, label: np.ndarray) -> np.ndarray:
    """np.bincount over the valid pixels."""
    valid = label != 255
    pairs = CLASSES * label[valid].astype(np.int64) + prediction[valid]
    return np.bincount(pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def memory() -> dict[str, float]:
    """MiB of this process, now and at most so far."""
    info = psutil.Process().memory_info()
    peak = getattr(info, "peak_wset", 0)
    if sys.platform != "win32":
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"rss": round(info.rss / 2**20, 1), "peak": round(peak / 2**20, 1)}


def stream(images: int, size: tuple[int, int], watch: Stopwatch) -> tuple[SemanticEvaluator, list[dict]]:
    """Evaluate synthetic pictures one by one; memory after each tenth of them."""
    evaluator = SemanticEvaluator([f"class {k}" for k in range(CLASSES)])
    samples = []
    for image in range(images):
        logits, label = make_picture(image, size)
        prediction = watch("class map", lambda logits=logits: largest(whole_planes(logits, size)))
        watch("update", lambda found=prediction, label=label: evaluator.update(found, label))
        if (image + 1) % max(images // 10, 1) == 0:
            samples.append({"images": image + 1, **memory()})
    return evaluator, samples


def compare(images: int, size: tuple[int, int], watch: Stopwatch) -> None:
    """Ours and plain NumPy by turns; raises AssertionError where they differ."""
    for image in range(images):
        logits, label = make_picture(image, size)
        mine = SemanticEvaluator([f"class {k}" for k in range(CLASSES)])
        found = watch("class map (by turns)", lambda logits=logits: largest(whole_planes(logits, size)))
        plain = watch("plain class map (by turns)", lambda logits=logits: plain_map(logits, size))
        watch("update (by turns)", lambda mine=mine, label=label, found=found: mine.update(found, label))
        counts = watch("plain counts (by turns)", lambda label=label, found=found: plain_counts(found, label))
        np.testing.assert_array_equal(found, plain)
        np.testing.assert_array_equal(mine.confusion, counts)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--compare", type=int, default=25, help="pictures for plain NumPy")
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 2048), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--allowed", type=float, default=16.0, help="MiB")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    size, watch = (arguments.size[0], arguments.size[1]), Stopwatch()
    evaluator, samples = stream(arguments.images, size, watch)
    compare(arguments.compare, size, watch)
    metrics, after = evaluator.compute(), memory()
    result = {
        "size": size,
        "times": watch.report(),
        "memory": samples,
        "growth_mib": round(samples[-1]["rss"] - samples[0]["rss"], 1),
        "peak_with_plain_numpy_mib": after["peak"],
        "mIoU": metrics.miou,
    }
    print(json.dumps(result, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return int(result["times"]["update"]["median_ms"] >= BOUND or result["growth_mib"] > arguments.allowed)


if __name__ == "__main__":
    sys.exit(main())
