"""Time of the suppression of proposals against `ops.NMSWithMask` of all boxes at once.

    python packages/defrcn/benchmarks/nms.py [--repeat 5] [--out FILE.json]

6,000 boxes of which 1,000 are wanted (evaluation) and 12,000 of which 2,000 are wanted (training), of two kinds: of
an untrained network (every anchor moved a little) and of a trained one (most lie around 30 objects). Both take the same
boxes in one process, as graphs, in turns, so that a busy machine slows them alike; times are medians, ratios those of
the medians. The exit code is 1 if the boxes that are kept differ.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from statistics import median

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from ms_core.atomic import atomic_write
from ms_core.networks.greedy_suppression import GreedySuppression

HEIGHT, WIDTH = 800, 1216
THRESHOLD = 0.7
OBJECTS = 30
CASES = ((6000, 1000), (12000, 2000))
"""Boxes that go in, and the most that come out."""
COLUMNS = ("boxes", "most", "kind", "kept", "ms", "NMSWithMask ms", "ratio", "same")


class AtOnce(nn.Cell):
    """construct(boxes [n, 5] with scores) -> bool [n] whether a box is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.nms = ops.NMSWithMask(THRESHOLD)

    def construct(self, boxes: Tensor) -> Tensor:
        return self.nms(boxes)[2]


def proposals(kind: str, count: int, seed: int = 0) -> np.ndarray:
    """Boxes best first, float32 [count, 4], within the picture."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform((0, 0), (WIDTH, HEIGHT), (count, 2))
    side = 2.0 ** rng.integers(5, 10, (count, 1)) * 2.0 ** (rng.integers(-1, 2, (count, 1)) * (0.5, -0.5))
    if kind == "trained":
        owner = rng.integers(0, OBJECTS, count)
        near = rng.uniform(size=count) < 0.8
        centre[near] = centre[owner[near]] + rng.normal(0, 0.1, (near.sum(), 2)) * side[owner[near]]
        side[near] = side[owner[near]] * np.exp(rng.normal(0, 0.15, (near.sum(), 2)))
    boxes = np.concatenate((centre - side / 2, centre + side / 2), axis=1)
    return boxes.clip(0, (WIDTH, HEIGHT, WIDTH, HEIGHT)).astype(np.float32)


def seconds(cell: nn.Cell, *inputs: Tensor) -> float:
    """Of one call, until its numbers are there."""
    begin = time.perf_counter()
    found = cell(*inputs)
    (found[0] if isinstance(found, tuple) else found).asnumpy()
    return time.perf_counter() - begin


def compare(kind: str, count: int, most: int, repeat: int) -> dict[str, object]:
    """One row of the table."""
    boxes, scores = proposals(kind, count), np.arange(count, 0, -1).astype(np.float32)
    ours, theirs = GreedySuppression(most, THRESHOLD), AtOnce()
    our_inputs = Tensor(boxes), Tensor(scores), Tensor(np.ones(count, bool))
    their_input = Tensor(np.concatenate((boxes, scores[:, None]), axis=1))
    found = [array.asnumpy() for array in ours(*our_inputs)]
    expected = boxes[theirs(their_input).asnumpy()][:most]
    taken, old = [], []
    for _ in range(repeat):
        taken.append(seconds(ours, *our_inputs))
        old.append(seconds(theirs, their_input))
    return {
        "boxes": count,
        "most": most,
        "kind": kind,
        "kept": int(found[2].sum()),
        "ms": round(median(taken) * 1e3, 1),
        "NMSWithMask ms": round(median(old) * 1e3, 1),
        "ratio": round(median(old) / median(taken), 1),
        "same": bool(np.array_equal(found[0][found[2]], expected)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the median counts")
    parser.add_argument("--out", type=Path, help="file for the table as JSON")
    arguments = parser.parse_args()
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    rows = []
    print("  ".join(f"{column:>14}" for column in COLUMNS))
    for count, most in CASES:
        for kind in ("untrained", "trained"):
            rows.append(compare(kind, count, most, arguments.repeat))
            print("  ".join(f"{rows[-1][column]!s:>14}" for column in COLUMNS), flush=True)
    if arguments.out:
        table = {"machine": platform.processor() or platform.machine(), "rows": rows}
        with atomic_write(arguments.out) as file:
            file.write(json.dumps(table, indent=1))
    return 0 if all(row["same"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
