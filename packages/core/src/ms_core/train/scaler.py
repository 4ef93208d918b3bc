"""The loss scale as compiled state of the training step."""

from __future__ import annotations

from mindspore import Parameter, Tensor, nn, ops
from mindspore import dtype as mstype

from ms_core.loss_scale import LossScaleConfig


class LossScaler(nn.Cell):
    """Holds the scale (`train.scale`, float32) and, if it is dynamic, adapts it to overflows.

    construct(finite) is called once a step if the scale is dynamic, with whether the step was finite.
    """

    def __init__(self, config: LossScaleConfig) -> None:
        super().__init__(auto_prefix=False)
        self.dynamic = config.mode == "dynamic"
        self.scaling = config.mode in ("static", "dynamic")
        start = config.scale if self.scaling else 1.0
        self.scale = Parameter(Tensor(start, mstype.float32), name="train.scale", requires_grad=False)
        self.growth = config.growth
        self.backoff = config.backoff
        self.interval = config.growth_interval
        if self.dynamic:
            self.quiet = Parameter(Tensor(0, mstype.int32), name="train.finite_steps", requires_grad=False)

    def construct(self, finite: Tensor) -> None:
        """Adapt a dynamic scale. Both outcomes are computed and one is selected: cheaper than a branch."""
        quiet = (self.quiet + 1) * ops.cast(finite, mstype.int32)
        grow = quiet >= self.interval
        kept = ops.select(grow, self.scale * self.growth, self.scale * 1.0)
        lowered = ops.maximum(self.scale * self.backoff, Tensor(1.0, mstype.float32))
        ops.assign(self.scale, ops.select(finite, kept, lowered))
        ops.assign(self.quiet, ops.select(grow, ops.zeros_like(quiet), quiet))
