"""A network, data and a run small enough for tests; also used by the scripts that the tests start."""

from __future__ import annotations

from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from ms_core.errors import UserError
from ms_core.loss_scale import LossScaleConfig
from ms_core.optim import OptimizerConfig
from ms_core.run_folder import RunFolder
from ms_core.train.config import TrainConfig
from ms_core.train.loop import FitResult, fit
from ms_core.train.randomness import Dropout
from ms_core.train.step import TrainStep


class TinyNet(nn.Cell):
    """Convolutions, normalisation, stateless dropout, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.SequentialCell(
            [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU6(), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)]
        )
        self.dropout = Dropout(0.3)
        self.head = nn.Dense(8, 5)

    def construct(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(ops.relu(self.body(x))).mean((2, 3)))


class Classifier(nn.Cell):
    """One dense layer: for tests that are not about the network; compiles in a third of the time."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Dense(3, 5)

    def construct(self, x: Tensor) -> Tensor:
        return self.head(x.mean((2, 3)))


class TinyLoss(nn.Cell):
    """construct(images, labels) -> (total, its half)."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        loss = ops.cross_entropy(ops.cast(self.network(images), ms.float32), labels)
        return loss, loss / 2


class TinyBatches:
    """`steps` batches of 4 images; those of `infinite` have a pixel that is infinite."""

    def __init__(self, steps: int, infinite: tuple[int, ...] = (), broken: int | None = None) -> None:
        self.steps = steps
        self.steps_per_epoch = steps
        self.infinite = infinite
        self.broken = broken

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        if step == self.broken:
            raise UserError("photo.jpg: cannot be read. Remove it.")
        rng = np.random.default_rng([7, step])
        images = rng.standard_normal((4, 3, 12, 12)).astype(np.float32)
        if step in self.infinite:
            images[1, 0, 3, 3] = np.inf
        return images, rng.integers(0, 5, 4).astype(np.int32)

    def names(self, step: int) -> list[str]:
        return [f"{step}-{row}.jpg" for row in range(4)]


def tiny_step(
    seed: int = 1, steps: int = 12, network: type[nn.Cell] = TinyNet, **options: object
) -> TrainStep:
    """A training step of a network initialised from `seed`."""
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_seed(seed)
    defaults: dict = {"lr": np.linspace(0.1, 0.01, steps), "parts": ("half",)}
    return TrainStep(TinyLoss(network()), **{**defaults, **options})


EVERYTHING: dict = {
    "optimizer": OptimizerConfig(name="adamw", weight_decay=0.05, lr_multipliers={"head": 2.0}),
    "loss_scale": LossScaleConfig(mode="dynamic", scale=1024, growth_interval=3),
    "clip_norm": 0.2,
    "accumulate": 3,
    "ema_decay": 0.9,
}


def new_run(folder: Path) -> RunFolder:
    """An empty run folder."""
    run = RunFolder(folder)
    run.create("train: {}\n")
    return run


def tiny_fit(
    step: TrainStep, run: RunFolder, batches: TinyBatches, epochs: int = 3, **options: object
) -> FitResult:
    """`fit` with small settings; its keywords and fields of TrainConfig as `options`."""
    of_fit = ("evaluate", "resume", "resume_command")
    arguments = {name: options.pop(name) for name in of_fit if name in options}
    batches.steps_per_epoch = len(batches) // epochs
    settings = TrainConfig(epochs=epochs, batch_size=4, **{"log_every": 1, "workers": 1, **options})
    return fit(step, batches, settings, run, {"model": "tiny"}, **arguments)


def arrays_of(step: TrainStep) -> dict[str, np.ndarray]:
    """Copies of everything that a resume restores."""
    return {name: parameter.asnumpy().copy() for name, parameter in step.state().items()}
