"""The update rules, compiled into the training step: SGD, momentum and AdamW, with groups."""

# mypy: disable-error-code=no-untyped-def

from __future__ import annotations

from collections.abc import Sequence

from mindspore import Parameter, ParameterTuple, Tensor, nn, ops
from mindspore import dtype as mstype

from ms_core.optim import OptimizerConfig, ParameterRule

_descend = ops.MultitypeFuncGraph("descend")
_descend_with_momentum = ops.MultitypeFuncGraph("descend_with_momentum")
_descend_adamw = ops.MultitypeFuncGraph("descend_adamw")
_apply_momentum = ops.ApplyMomentum()
_apply_adam = ops.Adam()


@_descend.register("Tensor", "Number", "Number", "Tensor", "Tensor")
def _sgd(lr, multiplier, decay, weight, gradient):
    return ops.assign_sub(weight, lr * multiplier * (gradient + decay * weight))


@_descend_with_momentum.register("Tensor", "Number", "Number", "Number", "Tensor", "Tensor", "Tensor")
def _momentum(lr, momentum, multiplier, decay, weight, velocity, gradient):
    return _apply_momentum(weight, velocity, lr * multiplier, gradient + decay * weight, momentum)


@_descend_adamw.register(
    *("Tensor", "Tensor", "Tensor", "Tensor"),
    *("Number", "Number", "Number", "Number"),
    *("Tensor", "Tensor", "Tensor", "Tensor"),
)
def _adamw(lr, power1, power2, eps, beta1, beta2, multiplier, decay, weight, first, second, gradient):
    """Decay is decoupled: it is applied to the weight before the moments move it."""
    rate = lr * multiplier
    shrunk = ops.assign(weight, weight * (1.0 - rate * decay))
    gradient = ops.depend(gradient, shrunk)
    return _apply_adam(weight, first, second, power1, power2, rate, beta1, beta2, eps, gradient)


class Sgd(nn.Cell):
    """p -= lr * (g + decay * p)."""

    def __init__(self, rules: Sequence[ParameterRule]) -> None:
        super().__init__(auto_prefix=False)
        self.weights = ParameterTuple(rule.parameter for rule in rules)
        self.multipliers = tuple(rule.lr_multiplier for rule in rules)
        self.decays = tuple(rule.weight_decay for rule in rules)
        self.map = ops.HyperMap()

    def construct(self, gradients: tuple[Tensor, ...], lr: Tensor) -> None:
        """Update the weights; `lr` is a float32 scalar."""
        self.map(ops.partial(_descend, lr), self.multipliers, self.decays, self.weights, gradients)


class Momentum(Sgd):
    """v = momentum * v + g + decay * p; p -= lr * v (no dampening, not Nesterov's).

    State: `train.momentum.<name>`.
    """

    def __init__(self, rules: Sequence[ParameterRule], momentum: float) -> None:
        super().__init__(rules)
        self.velocities = self.weights.clone(prefix="train.momentum", init="zeros")
        self.momentum = momentum

    def construct(self, gradients: tuple[Tensor, ...], lr: Tensor) -> None:
        rule = ops.partial(_descend_with_momentum, lr, self.momentum)
        self.map(rule, self.multipliers, self.decays, self.weights, self.velocities, gradients)


class AdamWeightDecay(Sgd):
    """AdamW without bias correction, as MindSpore's nn.AdamWeightDecay: its first steps are up to 3.2 times as long.

    State: `train.first_moment.<name>`, `train.second_moment.<name>`.
    """

    def __init__(self, rules: Sequence[ParameterRule], beta1: float, beta2: float, eps: float) -> None:
        super().__init__(rules)
        self.first = self.weights.clone(prefix="train.first_moment", init="zeros")
        self.second = self.weights.clone(prefix="train.second_moment", init="zeros")
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps

    def construct(self, gradients: tuple[Tensor, ...], lr: Tensor) -> None:
        zero = Tensor(0.0, mstype.float32)
        self._move(gradients, lr, zero, zero, zero + self.eps)

    def _move(
        self, gradients: tuple[Tensor, ...], lr: Tensor, power1: Tensor, power2: Tensor, eps: Tensor
    ) -> None:
        """`power1`, `power2`: beta1^t and beta2^t, with which `ops.Adam` corrects the moments; 0: it does not.

        All of them float32 scalars: where a type fits no function of the map, a graph silently leaves the map out.
        """
        rule = ops.partial(_descend_adamw, lr, power1, power2, eps, self.beta1, self.beta2)
        self.map(rule, self.multipliers, self.decays, self.weights, self.first, self.second, gradients)


class AdamW(AdamWeightDecay):
    """AdamW (arXiv 1711.05101) as torch.optim.AdamW computes it, bias correction included.

    `ops.Adam` adds eps to sqrt(v) before the correction, PyTorch after it; eps * sqrt(1 - beta2^t) makes them
    equal.
    State: that of AdamWeightDecay, and `train.adam_steps`.
    """

    def __init__(self, rules: Sequence[ParameterRule], beta1: float, beta2: float, eps: float) -> None:
        super().__init__(rules, beta1, beta2, eps)
        self.steps = Parameter(Tensor(0, mstype.int32), name="train.adam_steps", requires_grad=False)

    def construct(self, gradients: tuple[Tensor, ...], lr: Tensor) -> None:
        count = ops.cast(ops.assign_add(self.steps, 1), mstype.float32)
        power2 = ops.pow(self.beta2, count)
        self._move(gradients, lr, ops.pow(self.beta1, count), power2, self.eps * ops.sqrt(1.0 - power2))


def build_optimizer(rules: Sequence[ParameterRule], config: OptimizerConfig) -> nn.Cell:
    """The update rule of `config`: a Cell construct(gradients, lr) that changes the parameters of `rules`."""
    if config.name in ("adamw", "adam-weight-decay"):
        rule = AdamW if config.name == "adamw" else AdamWeightDecay
        return rule(rules, config.beta1, config.beta2, config.eps)
    if config.name == "momentum" and config.momentum:
        return Momentum(rules, config.momentum)
    return Sgd(rules)
