"""Our side of `network_speed.py`: KIND HEIGHT WIDTH MODEL THREADS."""

import sys
from collections.abc import Callable

import numpy as np
from _turns import serve
from mindspore import Tensor, nn, set_context
from ms_core import device
from ms_core.optim import OptimizerConfig
from ms_core.train.step import TrainStep
from ms_segformer import build_model
from ms_segformer.losses import SegmentationLoss
from ms_segformer.training_network import TrainingNetwork

CLASSES = 19


def main() -> None:
    kind, height, width, model, threads = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], int(sys.argv[5])
    device.start("cpu")
    set_context(runtime_num_threads=threads)
    network = build_model(model, CLASSES)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((1, 3, height, width)).astype(np.float32)
    labels = rng.integers(0, CLASSES, (1, height, width)).astype(np.int32)
    serve(training(network, images, labels) if kind == "train" else forward(network.set_train(False), images))


def training(network: nn.Cell, images: np.ndarray, labels: np.ndarray) -> Callable[[], float]:
    """The step that `ms-segformer train` does."""
    step = TrainStep(
        TrainingNetwork(network, SegmentationLoss(CLASSES)),
        lr=np.full(1000, 6e-5, np.float32),
        optimizer=OptimizerConfig(name="adamw", weight_decay=0.01),
    )
    return lambda: step.run((images, labels)).loss


def forward(network: nn.Cell, images: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: network(Tensor(images)).asnumpy()


if __name__ == "__main__":
    main()
