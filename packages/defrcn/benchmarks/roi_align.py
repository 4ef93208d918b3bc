"""RoIAlign, ours and MindSpore's operator, side by side: forward pass, and forward pass with gradient.

    python packages/defrcn/benchmarks/roi_align.py [--regions 128] [--rounds 5] [--out FILE.json]

Ours has detectron2's aligned=True and sampling_ratio=0, which `ops.ROIAlign` cannot give: it reads a fixed 2x2 points
in a bin, unaligned, so that it does less for large regions. The map is that of an 800x1216 picture, 1024 channels of
50x76 places; regions have sides of 32 to 512 pixels. "4x4 of 7x7" is what the RoI head of depth 50 and 101 uses.
Both take turns, a call each; printed are medians over the rounds and the ratio of ours to the operator's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from ms_core.cpu_kernels import prefer_fast_convolutions

prefer_fast_convolutions()

import mindspore as ms  # noqa: E402
import numpy as np  # noqa: E402
from mindspore import Tensor, nn, ops  # noqa: E402
from ms_defrcn.roi_align import RoiAlign  # noqa: E402

CHANNELS, HEIGHT, WIDTH, STRIDE = 1024, 50, 76, 16


class Operator(nn.Cell):
    """MindSpore's, with two points a side."""

    def __init__(self) -> None:
        super().__init__()
        self.read = ops.ROIAlign(7, 7, 1 / STRIDE, sample_num=2, roi_end_mode=0)

    def construct(self, features: Tensor, rois: Tensor, batch_index: Tensor) -> Tensor:
        index = batch_index.astype(ms.float32).reshape((-1, 1))
        return self.read(features, ops.concat((index, rois), 1))


class WithGradient(nn.Cell):
    """construct(features, rois, batch_index, dy) -> gradient of the features, after the regions are read.

    Neither side's gradient needs what was read; a graph would leave the forward pass out.
    """

    def __init__(self, roi_align: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.roi_align = roi_align
        self.gradient = ops.GradOperation(sens_param=True)(roi_align)

    def construct(self, features: Tensor, rois: Tensor, batch_index: Tensor, dy: Tensor) -> Tensor:
        read = self.roi_align(features, rois, batch_index)
        return self.gradient(features, rois, batch_index, ops.depend(dy, read))


def inputs(regions: int) -> tuple[Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(0)
    sides = np.exp(rng.uniform(np.log(32), np.log(512), (regions, 2)))
    limits = np.array([WIDTH, HEIGHT]) * STRIDE
    low = rng.uniform(0, 1, (regions, 2)) * (limits - sides)
    rois = np.concatenate((low, low + sides), 1).astype(np.float32)
    features = rng.standard_normal((1, CHANNELS, HEIGHT, WIDTH)).astype(np.float32)
    return Tensor(features), Tensor(rois), Tensor(np.zeros(regions, np.int32))


def calls(side: nn.Cell, bins: int, batch: tuple[Tensor, Tensor, Tensor]) -> dict[str, Callable[[], Tensor]]:
    dy = Tensor(np.ones((batch[1].shape[0], CHANNELS, bins, bins), np.float32))
    gradient = WithGradient(side)
    return {"forward": lambda: side(*batch), "forward and gradient": lambda: gradient(*batch, dy)}


def seconds(call: Callable[[], Tensor]) -> float:
    begin = time.perf_counter()
    call().asnumpy()
    return time.perf_counter() - begin


def compare(name: str, ours: nn.Cell, bins: int, regions: int, rounds: int) -> list[dict[str, object]]:
    """One line of results for each kind of call."""
    batch = inputs(regions)
    results = []
    theirs_calls = calls(Operator(), 7, batch)
    for kind, our_call in calls(ours, bins, batch).items():
        times = {"ours": our_call, "operator": theirs_calls[kind]}
        for call in times.values():  # compiles
            seconds(call)
        measured = [{side: seconds(call) for side, call in times.items()} for _ in range(rounds)]
        result: dict[str, object] = {
            side: statistics.median(round_[side] for round_ in measured) for side in times
        }
        ratio = statistics.median(round_["ours"] / round_["operator"] for round_ in measured)
        results.append({"bins": name, "kind": kind, "regions": regions, **result, "ratio": ratio})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Our RoIAlign beside ops.ROIAlign.")
    parser.add_argument("--regions", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    results = []
    for name, step, bins in (("7x7", 1, 7), ("4x4 of 7x7", 2, 4)):
        ours = RoiAlign(7, 1 / STRIDE, step)
        results += compare(name, ours, bins, options.regions, options.rounds)
    for r in results:
        times = f"ours {1e3 * r['ours']:8.1f} ms  ops.ROIAlign {1e3 * r['operator']:8.1f} ms"  # type: ignore[operator]
        print(f"{r['bins']:12} {r['kind']:22} {r['regions']} regions  {times}  ratio {r['ratio']:.2f}")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
