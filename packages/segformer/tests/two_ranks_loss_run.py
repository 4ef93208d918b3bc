"""One rank of two, started by msrun: every loss of its half of a batch, written to FOLDER/rank-N.npz."""

import sys
from pathlib import Path

import numpy as np
from mindspore import Tensor, nn, ops
from ms_core import device
from ms_segformer.config import LossConfig
from ms_segformer.losses import SegmentationLoss

CLASSES = 5
SETTINGS = {
    "plain": LossConfig(),
    "weighted": LossConfig(class_weights=(1.0, 0.25, 2.0, 0.5, 3.0), factor=0.4),
    "hard": LossConfig(name="ohem", ohem_threshold=0.3, ohem_min_kept=50),
    "hardest": LossConfig(name="ohem", ohem_threshold=0.02, ohem_min_kept=300),
}
"""Those of test_losses.py; of "hard" the threshold decides, of "hardest" the number."""


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Logits [4, K, 5, 7] and labels [4, 18, 26], of which half have none in the first two pictures, a tenth later."""
    rng = np.random.default_rng(3)
    logits = rng.standard_normal((4, CLASSES, 5, 7)).astype(np.float32) * 2
    labels = rng.integers(0, CLASSES, (4, 18, 26)).astype(np.int32)
    ignored = rng.random(labels.shape) < np.array([0.5, 0.5, 0.1, 0.1])[:, None, None]
    labels[ignored] = 255
    return logits, labels


class LossGradient(nn.Cell):
    """construct(logits, labels) -> (loss, its gradient for the logits)."""

    def __init__(self, loss: SegmentationLoss) -> None:
        super().__init__()
        self.gradient = ops.value_and_grad(loss, 0, None)

    def construct(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self.gradient(logits, labels)


def loss_and_gradient(
    settings: LossConfig, logits: np.ndarray, labels: np.ndarray, world_size: int = 1
) -> tuple[float, np.ndarray]:
    cell = LossGradient(SegmentationLoss(CLASSES, settings, world_size))
    loss, gradient = cell(Tensor(logits), Tensor(labels))
    return loss.item(), gradient.asnumpy()


def main() -> None:
    runtime = device.start("cpu")
    half = slice(2 * runtime.rank, 2 * runtime.rank + 2)
    logits, labels = batch()
    found = {}
    for name, settings in SETTINGS.items():
        loss, gradient = loss_and_gradient(settings, logits[half], labels[half], runtime.world_size)
        found |= {f"{name}.loss": np.array(loss), f"{name}.gradient": gradient}
    np.savez(Path(sys.argv[1]) / f"rank-{runtime.rank}.npz", **found)
    device.barrier(runtime)  # msrun ends all when one has ended


if __name__ == "__main__":
    main()
