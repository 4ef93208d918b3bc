"""Update rules against a float64 reference and against stored PyTorch numbers."""

from collections.abc import Callable
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn
from ms_core.optim import OptimizerConfig, ParameterRule
from ms_core.train.updates import build_optimizer

SHAPES = ((4, 3, 2, 2), (4,), (5, 4))
GROUPS = ((1.0, 0.1), (2.0, 0.0), (0.5, 0.05))  # factor on the learning rate, decay
Arrays = list[np.ndarray]


def parameters(values: Arrays) -> list[Parameter]:
    return [Parameter(Tensor(v.astype(np.float32)), name=f"p{i}") for i, v in enumerate(values)]


def reference_momentum(momentum: float) -> Callable[[Arrays, list[Arrays], list[float]], Arrays]:
    """v = m*v + g + wd*p; p -= lr*v."""

    def run(weights: Arrays, gradients: list[Arrays], rates: list[float]) -> Arrays:
        velocities = [np.zeros_like(w) for w in weights]
        for step, lr in zip(gradients, rates, strict=True):
            for i, (factor, decay) in enumerate(GROUPS):
                velocities[i] = momentum * velocities[i] + step[i] + decay * weights[i]
                weights[i] = weights[i] - lr * factor * velocities[i]
        return weights

    return run


def reference_adamw(weights: Arrays, gradients: list[Arrays], rates: list[float]) -> Arrays:
    """Algorithm 2 of arXiv 1711.05101 with beta 0.9, 0.999 and eps 1e-8."""
    first = [np.zeros_like(w) for w in weights]
    second = [np.zeros_like(w) for w in weights]
    for t, (step, lr) in enumerate(zip(gradients, rates, strict=True), start=1):
        for i, (factor, decay) in enumerate(GROUPS):
            first[i] = 0.9 * first[i] + 0.1 * step[i]
            second[i] = 0.999 * second[i] + 0.001 * step[i] ** 2
            direction = first[i] / (1 - 0.9**t) / (np.sqrt(second[i] / (1 - 0.999**t)) + 1e-8)
            weights[i] = weights[i] * (1 - lr * factor * decay) - lr * factor * direction
    return weights


@pytest.mark.parametrize(
    ("config", "reference"),
    [
        (OptimizerConfig(name="sgd"), reference_momentum(0.0)),
        (OptimizerConfig(name="momentum", momentum=0.9), reference_momentum(0.9)),
        (OptimizerConfig(name="momentum", momentum=0.0), reference_momentum(0.0)),
        (OptimizerConfig(name="adamw"), reference_adamw),
    ],
    ids=["sgd", "momentum", "momentum 0", "adamw"],
)
@pytest.mark.parametrize("graph", [True, False], ids=["graph", "pynative"])
def test_equals_a_float64_reference(
    config: OptimizerConfig, reference: Callable[..., Arrays], graph: bool
) -> None:
    ms.set_context(mode=ms.GRAPH_MODE if graph else ms.PYNATIVE_MODE)
    rng = np.random.default_rng(3)
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    gradients = [[rng.standard_normal(s).astype(np.float32) for s in SHAPES] for _ in range(20)]
    rates = [float(np.float32(lr)) for lr in np.linspace(0.1, 0.01, 20)]
    members = parameters(weights)
    rule = build_optimizer([ParameterRule(p, *g) for p, g in zip(members, GROUPS, strict=True)], config)
    for step, lr in zip(gradients, rates, strict=True):
        rule(tuple(Tensor(g) for g in step), Tensor(lr, ms.float32))
    expected = reference(
        [w.astype(np.float64) for w in weights], [[g.astype(np.float64) for g in s] for s in gradients], rates
    )
    for member, values in zip(members, expected, strict=True):
        np.testing.assert_allclose(member.asnumpy(), values, rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "reference"), [("adamw", "torch_adamw"), ("adam-weight-decay", "zoo_adamweightdecay")]
)
def test_adamw_equals_torch_and_mindspore(shared: Path, name: str, reference: str) -> None:
    golden = np.load(shared / "golden" / "segformer" / "golden_optim.npz")
    lr, beta1, beta2, eps, decay = golden["hyper"]
    ms.set_context(mode=ms.GRAPH_MODE)
    parameter = Parameter(Tensor(golden["p0"]), name="p")
    config = OptimizerConfig(name=name, beta1=float(beta1), beta2=float(beta2), eps=float(eps))
    rule: nn.Cell = build_optimizer([ParameterRule(parameter, 1.0, float(decay))], config)
    for gradient, expected in zip(golden["grads"], golden[reference], strict=True):
        rule((Tensor(gradient),), Tensor(lr, ms.float32))
        np.testing.assert_allclose(parameter.asnumpy(), expected, rtol=0, atol=1e-6)
