"""Why ms-core limits oneDNN to AVX2: convolutions in MindSpore's plain layout, with and without the limit.

    python packages/core/benchmarks/convolution.py

Each variant runs in its own process, because oneDNN reads ONEDNN_MAX_CPU_ISA once. Prints milliseconds a call
(median of 15) and the ratio, for layers of MobileNetV2 at 300x300, batch 1. On a processor without AVX-512 the
two columns are alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

LAYERS = {
    # name: (in channels, out channels, kernel, stride, groups, side)
    "first, 3 -> 32, stride 2": (3, 32, 3, 2, 1, 300),
    "depthwise 96, stride 2": (96, 96, 3, 2, 96, 150),
    "depthwise 144": (144, 144, 3, 1, 144, 75),
    "depthwise 384": (384, 384, 3, 1, 384, 19),
    "pointwise 96 -> 24": (96, 24, 1, 1, 1, 75),
    "dense 3x3, 256": (256, 256, 3, 1, 1, 20),
}
CALLS = 15


def measure() -> dict[str, float]:
    """Milliseconds a call of every layer, in this process."""
    import mindspore as ms
    import numpy as np
    from mindspore import nn

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    times = {}
    for name, (inputs, outputs, kernel, stride, groups, side) in LAYERS.items():
        layer = nn.Conv2d(inputs, outputs, kernel, stride, pad_mode="same", group=groups)
        layer.set_train(False)
        x = ms.Tensor(np.random.default_rng(0).standard_normal((1, inputs, side, side)).astype(np.float32))
        layer(x).asnumpy()
        times[name] = statistics.median(_milliseconds(layer, x) for _ in range(CALLS))
    return times


def _milliseconds(layer: object, x: object) -> float:
    begin = time.perf_counter()
    layer(x).asnumpy()  # type: ignore[operator]
    return 1000 * (time.perf_counter() - begin)


def in_new_process(isa: str) -> dict[str, float]:
    """The same with ONEDNN_MAX_CPU_ISA set."""
    done = subprocess.run(
        [sys.executable, __file__, "measure"],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": isa, "GLOG_v": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    free, limited = in_new_process("ALL"), in_new_process("AVX2")
    print(f"{'layer':<28} {'no limit, ms':>13} {'AVX2, ms':>10} {'ratio':>7}")
    for name in LAYERS:
        print(f"{name:<28} {free[name]:>13.2f} {limited[name]:>10.2f} {free[name] / limited[name]:>7.1f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
    else:
        main()
