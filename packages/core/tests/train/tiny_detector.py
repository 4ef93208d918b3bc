"""A detector of two levels for 48x48 pictures, trained for a few steps: what data parallel is tested with."""

from __future__ import annotations

import zlib
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from ms_core.data.open import open_dataset
from ms_core.detection.anchors import scale_aspect_anchors
from ms_core.detection.losses import SingleShotLoss
from ms_core.device import Runtime
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.layers import ConvNormReLU6
from ms_core.networks.sync_batch_norm import synchronise_norms
from ms_core.optim import OptimizerConfig, freeze_norms
from ms_core.single_shot.config import InputConfig
from ms_core.single_shot.network import TrainingNetwork
from ms_core.single_shot.pipeline import Target, TrainingBatches
from ms_core.train.config import TrainConfig
from ms_core.train.order import batch_order
from ms_core.train.step import TrainStep

STEPS = 20
LEARNING_RATES = {"frozen": 0.005, "synchronised": 0.02, "separate": 0.02}
"""By what batch normalisations do: keep their statistics, share those of all devices, or have their own. Without
normalisation a larger rate makes the run chaotic: even another order of the images in a batch changes it."""
_SIDE = 48


class TinyDetector(nn.Cell):
    """construct(images [B, 3, 48, 48]) -> (box deltas [B, 162, 4], class logits [B, 162, 4])."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.SequentialCell([ConvNormReLU6(3, 8, 3, stride=4), ConvNormReLU6(8, 16, 3, stride=2)])
        self.coarse = ConvNormReLU6(16, 16, 3, stride=2)
        self.multi_box = PerLevelHead((16, 16), (3, 6), num_classes=4)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(images)
        return self.multi_box((fine, self.coarse(fine)))


def initialise(network: nn.Cell) -> None:
    """He's initial weights, a function of the name."""
    for name, parameter in network.parameters_and_names():
        if parameter.ndim == 4:
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            scale = np.sqrt(2 / np.prod(parameter.shape[1:]))
            parameter.set_data(Tensor(rng.standard_normal(parameter.shape) * scale, ms.float32))


def batches_of(annotations: Path, batch_size: int, runtime: Runtime) -> TrainingBatches:
    """Augmented batches for STEPS steps; two steps an epoch."""
    anchors = scale_aspect_anchors(_SIDE, (6, 3), (8, 16), ((), (2, 3)))
    samples = open_dataset(annotations).samples
    epochs = STEPS * batch_size * runtime.world_size // len(samples)
    return TrainingBatches(
        samples,
        Target(anchors, (_SIDE, _SIDE), (0.1, 0.2)),
        InputConfig(),
        batch_order(len(samples), TrainConfig(epochs=epochs, batch_size=batch_size), 3, runtime),
    )


def train(mode: str, annotations: Path, batch_size: int, runtime: Runtime) -> dict[str, np.ndarray]:
    """Train STEPS steps; returns the losses as `loss` and the network's arrays by name."""
    ms.set_context(mode=ms.GRAPH_MODE)
    network = TinyDetector()
    initialise(network)
    if mode == "frozen":
        freeze_norms(network)
    if mode == "synchronised":
        synchronise_norms(network, runtime.world_size)
    loss = SingleShotLoss(0.75, world_size=runtime.world_size)
    step = TrainStep(
        TrainingNetwork(network, loss),
        lr=np.full(STEPS, LEARNING_RATES[mode]),
        optimizer=OptimizerConfig(),
        parts=("class", "box"),
        runtime=runtime,
    )
    batches = batches_of(annotations, batch_size, runtime)
    assert len(batches) == STEPS
    losses = [step.run(batches[number]).loss for number in range(STEPS)]
    arrays = {name: parameter.asnumpy() for name, parameter in step.network_parameters().items()}
    return {"loss": np.array(losses), **arrays}
