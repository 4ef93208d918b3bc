"""Time of a training step against MindSpore's plain nn.TrainOneStepCell, same network, same process.

    python packages/core/benchmarks/train_step.py [--size 160] [--batch 8] [--steps 15]

The plain cell has no loss scale, finite check, clipping, averaging or skipping. Steps of all variants
alternate, so that a busy machine slows them alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from ms_core.loss_scale import LossScaleConfig
from ms_core.networks.mobilenet_v2 import trunk_stages
from ms_core.optim import OptimizerConfig
from ms_core.train.step import TrainStep


class MeanSquare(nn.Cell):
    """construct(images) -> mean square of the last feature map."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.SequentialCell(trunk_stages())

    def construct(self, images: Tensor) -> Tensor:
        return ops.square(self.trunk(images)).mean()


def plain_step() -> nn.Cell:
    """MindSpore's own step with momentum and weight decay."""
    network = MeanSquare()
    optimizer = nn.Momentum(network.trainable_params(), 0.01, 0.9, weight_decay=1e-4)
    return nn.TrainOneStepCell(network, optimizer).set_train(True)


def our_step(**options: object) -> nn.Cell:
    """Ours, with the same update rule unless told otherwise."""
    return TrainStep(MeanSquare(), lr=np.full(1000, 0.01), **options)  # type: ignore[arg-type]


DYNAMIC = LossScaleConfig("dynamic")
VARIANTS: dict[str, Callable[[], nn.Cell]] = {
    "nn.TrainOneStepCell": plain_step,
    "TrainStep": our_step,
    "TrainStep, dynamic scale, clip": lambda: our_step(loss_scale=DYNAMIC, clip_norm=10.0),
    "TrainStep, dynamic scale, clip, EMA, AdamW": lambda: our_step(
        loss_scale=DYNAMIC, clip_norm=10.0, ema_decay=0.999, optimizer=OptimizerConfig("adamw")
    ),
    "TrainStep, accumulate 4": lambda: our_step(accumulate=4),
}


def seconds(step: nn.Cell, images: Tensor) -> float:
    """Wall time of one step."""
    start = time.perf_counter()
    for result in out if isinstance(out := step(images), tuple) else (out,):
        result.asnumpy()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=160, help="side of the images, pixels")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=15, help="timed steps of each variant")
    options = parser.parse_args()
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    rng = np.random.default_rng(0)
    images = Tensor(rng.standard_normal((options.batch, 3, options.size, options.size)).astype(np.float32))
    steps = {name: build() for name, build in VARIANTS.items()}
    first = {name: seconds(step, images) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.steps):
        for name, step in steps.items():
            times[name].append(seconds(step, images))
    plain = min(times["nn.TrainOneStepCell"])
    print(f"{'best of ' + str(options.steps):<45} {'ms':>7} {'ratio':>6} {'first step, s':>14}")
    for name, taken in times.items():
        print(f"{name:<45} {1000 * min(taken):7.0f} {min(taken) / plain:6.2f} {first[name]:14.1f}")


if __name__ == "__main__":
    main()
