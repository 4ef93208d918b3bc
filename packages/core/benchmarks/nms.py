"""Time of `multiclass_nms` against the plain NumPy algorithm, on the same scores, in the same process.

    python packages/core/benchmarks/nms.py [--anchors 1917 12804 51150] [--classes 80] [--repeat 5]

Three kinds of scores: of an untrained network (nearly all pairs above the limit), of a trained one (about
2,000 candidates), and none above the limit. The two results are compared; the exit code is 1 if they differ.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
from ms_core.detection.nms import multiclass_nms

SIDE = 640


def plain_nms(boxes: np.ndarray, scores: np.ndarray) -> list[tuple[int, int]]:
    """The old code's algorithm with its defaults: (row, class) of what is kept."""
    x0, y0, x1, y1 = boxes.T
    areas = (x1 - x0 + 1) * (y1 - y0 + 1)
    kept = []
    for label in range(scores.shape[1]):
        rows = np.flatnonzero(scores[:, label] > 0.1)
        rows = rows[np.argsort(-scores[rows, label], kind="stable")]
        count = 0
        while len(rows) and count < 100:
            best, rows = rows[0], rows[1:]
            kept.append((int(best), label))
            count += 1
            width = np.maximum(np.minimum(x1[best], x1[rows]) - np.maximum(x0[best], x0[rows]) + 1, 0)
            height = np.maximum(np.minimum(y1[best], y1[rows]) - np.maximum(y0[best], y0[rows]) + 1, 0)
            shared = width * height
            rows = rows[shared / (areas[best] + areas[rows] - shared) <= 0.6]
    return kept


def scores_like(kind: str, rng: np.random.Generator, anchors: int, classes: int) -> np.ndarray:
    """float32 [N, C]."""
    if kind == "untrained":
        return (1 / (1 + np.exp(-rng.normal(size=(anchors, classes))))).astype(np.float32)
    scores = np.full((anchors, classes), 0.01, np.float32)
    if kind == "trained":
        for _ in range(36):  # objects of 53 of 80 classes, neighbouring anchors answer together
            first, label = rng.integers(anchors - 52), rng.integers(max(classes * 53 // 80, 1))
            scores[first : first + 52, label] = rng.uniform(0.1, 1, 52)
    return scores


def boxes_like(rng: np.random.Generator, anchors: int) -> np.ndarray:
    """float32 [N, 4] xyxy pixels; neighbouring rows lie close together, as in a grid."""
    centre = np.linspace(0, SIDE, anchors)[:, None] + rng.normal(size=(anchors, 2)) * 5
    size = rng.uniform(20, 120, (anchors, 2))
    return np.concatenate((centre - size / 2, centre + size / 2), axis=1).clip(0, SIDE).astype(np.float32)


def fastest(work: Callable[[], object], repeat: int) -> float:
    """Seconds of the fastest of `repeat` runs."""
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def compare(kind: str, anchors: int, classes: int, repeat: int) -> bool:
    """Print one line of the table; False if the results differ."""
    rng = np.random.default_rng(0)
    boxes, scores = boxes_like(rng, anchors), scores_like(kind, rng, anchors, classes)
    found, expected = multiclass_nms(boxes, scores), plain_nms(boxes, scores)
    same = sorted(zip(found.labels.tolist(), found.scores.tolist(), strict=True)) == sorted(
        (label, float(scores[row, label])) for row, label in expected
    )
    ours = fastest(lambda: multiclass_nms(boxes, scores), repeat)
    plain = fastest(lambda: plain_nms(boxes, scores), 1 if anchors * classes > 10**6 else repeat)
    print(
        f"{anchors:>8} {kind:>10} {int((scores > 0.1).sum()):>11} {len(found):>6} {ours * 1e3:>9.1f} "
        f"{plain * 1e3:>9.1f} {plain / ours:>7.1f} {'yes' if same else 'NO':>5}"
    )
    return same


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--anchors", type=int, nargs="+", default=[1917, 12804, 51150])
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    columns = (
        ("anchors", 8),
        ("scores", 10),
        ("candidates", 11),
        ("kept", 6),
        ("ms", 9),
        ("plain ms", 9),
        ("ratio", 7),
    )
    print(" ".join(f"{name:>{width}}" for name, width in columns), " same")
    same = [
        compare(kind, anchors, arguments.classes, arguments.repeat)
        for anchors in arguments.anchors
        for kind in ("untrained", "trained", "none")
    ]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
