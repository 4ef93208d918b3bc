"""The solver against the original's numbers.

`golden/solver.json` is reduced from the original's: learning rates at chosen iterations of four configurations,
the weight decay of every trained parameter, and sums of two parameters after the first update at the full rate.
`golden/solver.npz` holds the gradients of these two (a whole training step, all losses, on the base network).
"""

import json
from collections.abc import Callable
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn
from ms_core.optim import OptimizerConfig, parameter_rules
from ms_core.schedules import ScheduleConfig, learning_rates
from ms_core.train.step import TrainStep

GOLDEN = Path(__file__).parent / "golden"
NUMBERS = json.loads((GOLDEN / "solver.json").read_text())
OPTIMIZER = OptimizerConfig(momentum=0.9, weight_decay=5e-5, bias_weight_decay=1e-4)


class Linear(nn.Cell):
    """Has parameters of given values; the gradient of its loss is what it is called with."""

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        super().__init__(auto_prefix=False)
        self.own = ms.ParameterTuple([Parameter(Tensor(v), name=name) for name, v in values.items()])

    def construct(self, *gradients: Tensor) -> Tensor:
        loss = 0.0
        for parameter, gradient in zip(self.own, gradients, strict=True):
            loss = loss + (parameter * gradient).sum()
        return loss


@pytest.mark.parametrize("name", NUMBERS["schedules"])
def test_learning_rates_are_the_originals(name: str) -> None:
    solver = NUMBERS["schedules"][name]
    config = ScheduleConfig(
        name="multi-step",
        lr=solver["lr"],
        lr_init=solver["lr"] * solver["warmup_factor"],
        warmup_steps=solver["warmup_steps"],
        milestone_steps=tuple(solver["steps"]),
        gamma=solver["gamma"],
    )
    rates = learning_rates(config, epochs=1, steps_per_epoch=7, iterations=solver["iterations"])
    assert len(rates) == solver["iterations"]
    steps = [int(step) for step in solver["rates"]]
    np.testing.assert_allclose(rates[steps], list(solver["rates"].values()), rtol=2e-7)


@pytest.mark.parametrize("stage", ["base", "fsod"])
def test_every_parameter_decays_as_in_the_original(stage: str) -> None:
    expected = NUMBERS["groups"][stage]
    network = Linear({name: np.zeros(1, np.float32) for name in expected})
    decays = {rule.parameter.name: rule.weight_decay for rule in parameter_rules(network, OPTIMIZER)}
    assert len(decays) == {"base": 94, "fsod": 84}[stage]
    assert decays == expected


def test_an_update_gives_the_originals_sums(golden_weight: Callable[..., np.ndarray]) -> None:
    gradients = dict(np.load(GOLDEN / "solver.npz"))
    network = Linear({name: golden_weight(name, gradient.shape) for name, gradient in gradients.items()})
    step = TrainStep(network, lr=np.float32([0.02]), optimizer=OPTIMIZER)
    step.run(tuple(gradients.values()))
    for name, expected in NUMBERS["after_step_sum"].items():
        parameter = step.network_parameters()[name]
        total = parameter.asnumpy().astype(np.float64).sum()
        # A decay of 5e-5 in place of 1e-4 would move the sum of the biases by 6e-7.
        assert total == pytest.approx(expected, abs=1e-7 if name.endswith("bias") else 1e-5)
