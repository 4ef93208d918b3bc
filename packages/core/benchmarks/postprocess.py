"""Time of post-processing against the old algorithm in plain NumPy: raw outputs to detections.

    python packages/core/benchmarks/postprocess.py [--anchors 51150 1917] [--repeat 7] [--out FILE.json]

Both take the same raw outputs in one process, in turns, so that a busy machine slows them alike; ratios are those of
the medians. Three kinds of scores: of an untrained network (nearly all pairs above the limit), of a trained one
(about 1,900 candidates in about 50 classes), and none above the limit. The exit code is 1 if detections differ.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from _reference_postprocess import reference_postprocess
from ms_core.atomic import atomic_write
from ms_core.detection.anchors import Anchors, grid_anchors, scale_aspect_anchors
from ms_core.detection.boxes import relative_to_pixels
from ms_core.detection.detections import Detections
from ms_core.detection.nms import multiclass_nms

WIDTH, HEIGHT = 640, 480
OBJECTS, AROUND, CLASSES = 54, 35, 50
"""With trained scores: objects of a picture, anchors that answer to each, and classes they are of."""
COLUMNS = ("anchors", "scores", "candidates", "classes", "kept", "ms", "old ms", "ratio", "same")


def network_anchors(count: int) -> Anchors:
    """Default boxes of the network with `count` of them."""
    if count == 1917:
        return scale_aspect_anchors(
            300, [19, 10, 5, 3, 2, 1], [16, 32, 64, 100, 150, 300], [[]] + [[2, 3]] * 5
        )
    if count == 12804:
        return grid_anchors(320, [8, 16, 32, 64, 108])
    if count == 51150:
        return grid_anchors(640, [8, 16, 32, 64, 128])
    raise SystemExit(f"--anchors {count}: choose 1917, 12804 or 51150")


def raw_outputs(kind: str, anchors: Anchors, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [N, 4] yxyx relative, clipped, and scores [N, K] with the background in column 0."""
    rng = np.random.default_rng(seed)
    boxes = (anchors.tlbr + rng.normal(size=anchors.tlbr.shape) * 0.005).astype(np.float32)
    if kind == "untrained":
        scores = 1 / (1 + np.exp(-rng.standard_normal((len(anchors), classes + 1), np.float32)))
        return boxes.clip(0, 1), scores.astype(np.float32)
    scores = rng.random((len(anchors), classes + 1), np.float32) ** 4 * np.float32(0.1)
    if kind == "trained":
        _add_objects(boxes, scores, anchors, rng)
    return boxes.clip(0, 1), scores


def _add_objects(boxes: np.ndarray, scores: np.ndarray, anchors: Anchors, rng: np.random.Generator) -> None:
    """Anchors around an object answer with its class and boxes near its own."""
    for index in range(OBJECTS):
        low = rng.random(2) * 0.7
        target = np.concatenate((low, low + rng.uniform(0.05, 0.3, 2)))
        near = np.argsort(np.abs(anchors.tlbr - target).sum(axis=1))[:AROUND]
        boxes[near] = target + rng.normal(size=(AROUND, 4)) * 0.02
        scores[near, 1 + index % min(CLASSES, scores.shape[1] - 1)] = rng.uniform(0.1, 1, AROUND)


def ours(boxes: np.ndarray, scores: np.ndarray) -> Detections:
    """What `Detector` does with raw outputs under `nms: zoo`."""
    return multiclass_nms(relative_to_pixels(boxes, WIDTH, HEIGHT), scores, background=True, plus_one=True)


def in_turns(
    first: Callable[[], object], second: Callable[[], object], repeat: int, clock: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Seconds of every run of both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeat):
        for work, taken in zip((first, second), times, strict=True):
            begin = clock()
            work()
            taken.append(clock() - begin)
    return times


def as_rows(found: Detections) -> list[tuple]:
    """Comparable, whatever the order."""
    return sorted(
        zip(found.labels.tolist(), found.scores.tolist(), map(tuple, found.boxes.tolist()), strict=True)
    )


def compare(kind: str, count: int, classes: int, repeat: int, clock: Callable[[], float]) -> dict:
    """One row of the table."""
    boxes, scores = raw_outputs(kind, network_anchors(count), classes)
    found, expected = ours(boxes, scores), reference_postprocess(boxes, scores, WIDTH, HEIGHT)
    slow = kind == "untrained" and count > 2000
    taken, old = in_turns(
        lambda: ours(boxes, scores),
        lambda: reference_postprocess(boxes, scores, WIDTH, HEIGHT),
        min(repeat, 3) if slow else repeat,
        clock,
    )
    above = scores[:, 1:] > np.float32(0.1)
    return {
        "anchors": count,
        "scores": kind,
        "candidates": int(above.sum()),
        "classes": int(above.any(axis=0).sum()),
        "kept": len(found),
        "ms": round(median(taken) * 1e3, 2),
        "old ms": round(median(old) * 1e3, 1),
        "ratio": round(median(old) / median(taken), 1),
        "same": as_rows(found) == as_rows(expected),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--anchors", type=int, nargs="+", default=[1917, 12804, 51150])
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument(
        "--cpu-time", action="store_true", help="count this thread's CPU time, for a busy machine"
    )
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    arguments = parser.parse_args()
    clock = time.thread_time if arguments.cpu_time else time.perf_counter
    print(" ".join(f"{name:>10}" for name in COLUMNS))
    rows = []
    for anchors in arguments.anchors:
        for kind in ("untrained", "trained", "none"):
            rows.append(compare(kind, anchors, arguments.classes, arguments.repeat, clock))
            print(" ".join(f"{rows[-1][name]!s:>10}" for name in COLUMNS), flush=True)
    if arguments.out:
        about = {"machine": platform.machine(), "numpy": np.__version__, "python": platform.python_version()}
        with atomic_write(arguments.out) as file:
            json.dump({"about": about, "results": rows}, file, indent=2)
    return 0 if all(row["same"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
