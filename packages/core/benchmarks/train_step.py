"""Time of a training step against MindSpore's plain nn.TrainOneStepCell, same network, same process.

    python packages/core/benchmarks/train_step.py [--model ssd300] [--size 160] [--batch 8] [--steps 15]

With --model the network is that detector (of an installed package) with its loss, at its own input size; otherwise
MobileNetV2's trunk at --size. The plain cell has no loss scale, finite check, clipping, averaging or skipping. Steps of
all variants alternate, so that a busy machine slows them alike. What the compile cache saves: compile_cache.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from ms_core.loss_scale import LossScaleConfig
from ms_core.networks.mobilenet_v2 import trunk_stages
from ms_core.optim import OptimizerConfig
from ms_core.train.step import TrainStep

Build = Callable[[], nn.Cell]
"""Makes a new network: construct(*batch) -> loss."""


class MeanSquare(nn.Cell):
    """construct(images) -> mean square of the last feature map."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.SequentialCell(trunk_stages())

    def construct(self, images: Tensor) -> Tensor:
        return ops.square(self.trunk(images)).mean()


def plain_step(build: Build) -> nn.Cell:
    """MindSpore's own step with momentum and weight decay."""
    network = build()
    optimizer = nn.Momentum(network.trainable_params(), 1e-4, 0.9, weight_decay=1e-4)
    return nn.TrainOneStepCell(network, optimizer).set_train(True)


def our_step(build: Build, **options: object) -> nn.Cell:
    """Ours, with the same update rule unless told otherwise."""
    return TrainStep(build(), lr=np.full(1000, 1e-4), **options)  # type: ignore[arg-type]


DYNAMIC = LossScaleConfig("dynamic")
VARIANTS: dict[str, Callable[[Build], nn.Cell]] = {
    "nn.TrainOneStepCell": plain_step,
    "TrainStep": our_step,
    "TrainStep, dynamic scale, clip": partial(our_step, loss_scale=DYNAMIC, clip_norm=10.0),
    "TrainStep, dynamic scale, clip, EMA, AdamW": partial(
        our_step, loss_scale=DYNAMIC, clip_norm=10.0, ema_decay=0.999, optimizer=OptimizerConfig("adamw")
    ),
    "TrainStep, accumulate 4": partial(our_step, accumulate=4),
}


class TotalLoss(nn.Cell):
    """construct(*batch) -> the total of a loss of several parts: all that nn.TrainOneStepCell can take."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, *batch: Tensor) -> Tensor:
        return self.network(*batch)[0]


def detector(model: str, batch: int) -> tuple[Build, tuple[Tensor, ...]]:
    """What builds a detector with its loss, and a batch for it."""
    from networks import training

    _, step, arrays = training(model, batch)
    del step
    return lambda: TotalLoss(training(model, batch)[1].network), tuple(map(Tensor, arrays))


def trunk(size: int, batch: int) -> tuple[Build, tuple[Tensor, ...]]:
    """What builds MobileNetV2's trunk with a loss, and images for it."""
    images = np.random.default_rng(0).standard_normal((batch, 3, size, size), np.float32)
    return MeanSquare, (Tensor(images),)


def seconds(step: nn.Cell, batch: tuple[Tensor, ...]) -> float:
    """Wall time of one step."""
    start = time.perf_counter()
    for result in out if isinstance(out := step(*batch), tuple) else (out,):
        result.asnumpy()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="a detector; default: MobileNetV2's trunk")
    parser.add_argument("--variants", type=int, default=len(VARIANTS), help="only the first so many")
    parser.add_argument("--size", type=int, default=160, help="side of the images, pixels")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=15, help="timed steps of each variant")
    options = parser.parse_args()
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    if options.model:
        build, batch = detector(options.model, options.batch)
    else:
        build, batch = trunk(options.size, options.batch)
    steps = {name: make(build) for name, make in list(VARIANTS.items())[: options.variants]}
    first = {name: seconds(step, batch) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.steps):
        for name, step in steps.items():
            times[name].append(seconds(step, batch))
    plain = min(times["nn.TrainOneStepCell"])
    print(f"{'best of ' + str(options.steps):<45} {'ms':>7} {'ratio':>6} {'first step, s':>14}")
    for name, taken in times.items():
        print(f"{name:<45} {1000 * min(taken):7.0f} {min(taken) / plain:6.2f} {first[name]:14.1f}")


if __name__ == "__main__":
    main()
