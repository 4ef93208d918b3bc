"""A whole training step of ResNet-101 against the original's: picture in, losses, gradients and updated weights out.

`golden/step.json` holds what the original printed for the base network: losses, the norm of every gradient, which
parameters get none, and sums of five parameters after the first update at the full rate.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops
from ms_core.optim import OptimizerConfig
from ms_core.train.step import TrainStep
from ms_defrcn.config import ProposalConfig, RoiConfig
from ms_defrcn.models import build_model
from ms_defrcn.training_network import PARTS, TrainingNetwork
from test_golden_network import SIZE, block_image, fill
from test_solver import Linear
from test_training_network import GT_BOXES, GT_CLASSES, SLOTS

STEP = json.loads((Path(__file__).parent / "golden" / "step.json").read_text())


@pytest.fixture(scope="module")
def training(golden_weight: Callable[[str, tuple[int, ...]], np.ndarray]) -> TrainingNetwork:
    """In PyNative mode: compiling this network takes a minute."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    network = build_model("defrcn_r101", 60)
    fill(network, golden_weight)
    return TrainingNetwork(network, ProposalConfig(), RoiConfig(samples=64)).set_train(True)


@pytest.fixture(scope="module")
def losses_and_gradients(training: TrainingNetwork) -> tuple[Mapping[str, float], Mapping[str, np.ndarray]]:
    """With the first boxes in order drawn, as in the reference."""
    boxes, classes = np.zeros((1, SLOTS, 4), np.float32), np.full((1, SLOTS), -1, np.int32)
    boxes[0, : len(GT_BOXES)], classes[0, : len(GT_BOXES)] = GT_BOXES, GT_CLASSES["base"][1]
    keys = [np.arange(count, dtype=np.float32)[None] for count in (4800, 2000 + SLOTS)]
    batch = [Tensor(array) for array in (block_image(), SIZE, boxes, classes, *keys)]
    parameters = [p for p in training.network.get_parameters() if p.requires_grad]
    step = ops.value_and_grad(training, None, ms.ParameterTuple(parameters), has_aux=True)
    (_, *parts), gradients = step(*batch)
    named = {p.name: g.asnumpy() for p, g in zip(parameters, gradients, strict=True)}
    return {name: float(loss) for name, loss in zip(PARTS, parts, strict=True)}, named


def test_losses(losses_and_gradients: tuple[Mapping[str, float], Mapping[str, np.ndarray]]) -> None:
    losses, _ = losses_and_gradients
    assert losses == pytest.approx(STEP["losses"], rel=1e-5)


def test_gradients(
    training: TrainingNetwork, losses_and_gradients: tuple[Mapping[str, float], Mapping[str, np.ndarray]]
) -> None:
    _, gradients = losses_and_gradients
    norms = {name: float(np.linalg.norm(gradient.astype(np.float64))) for name, gradient in gradients.items()}
    assert norms == pytest.approx(STEP["gradient_norms"], rel=1e-3)
    trained = {p.name for p in training.network.trainable_params()}
    assert not trained & set(STEP["without_gradient"])


def test_update(
    golden_weight: Callable[[str, tuple[int, ...]], np.ndarray],
    losses_and_gradients: tuple[Mapping[str, float], Mapping[str, np.ndarray]],
) -> None:
    _, gradients = losses_and_gradients
    names = list(STEP["after_step_sum"])
    network = Linear({name: golden_weight(name, gradients[name].shape) for name in names})
    optimizer = OptimizerConfig(momentum=0.9, weight_decay=5e-5, bias_weight_decay=1e-4)
    step = TrainStep(network, lr=np.float32([0.02]), optimizer=optimizer)
    step.run(tuple(gradients[name] for name in names))
    parameters = step.network_parameters()
    for name, expected in STEP["after_step_sum"].items():
        values = parameters[name].asnumpy().astype(np.float64)
        # Points of a region that lie on a border between two places fall to either side by the last bit.
        assert values.sum() == pytest.approx(expected, abs=1e-4 + 1e-8 * values.size)
