"""The training step: one graph from a batch to updated weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mindspore import Parameter, ParameterTuple, Tensor, nn, ops
from mindspore import dtype as mstype

from ms_core import optim
from ms_core.compile_cache import first_call
from ms_core.device import Runtime, all_sum
from ms_core.loss_scale import LossScaleConfig
from ms_core.loss_scale import check as check_loss_scale
from ms_core.optim import OptimizerConfig
from ms_core.train import gradients
from ms_core.train.randomness import connect_random_cells
from ms_core.train.scaler import LossScaler
from ms_core.train.updates import build_optimizer

STATE_PREFIX = "train."
"""Beginning of the names of all state of a step that is not the network's own."""

_STATUS_FIELDS = 6


@dataclass(frozen=True)
class StepResult:
    """What one step reports."""

    loss: float
    """Total loss, unscaled; mean over the devices."""
    parts: dict[str, float]
    """The terms of the loss by name."""
    lr: float
    """Learning rate of the step."""
    scale: float
    """Loss scale the step was computed with."""
    gradient_norm: float
    """Global norm of the averaged gradients of this batch before clipping; not finite on overflow."""
    skipped: bool
    """The step overflowed (on any device), so it changed nothing but its counters and the loss scale."""
    skipped_in_a_row: int
    """Skipped steps up to and including this one since the last good one."""
    stop: bool
    """A device asked all of them to stop after this step."""


class TrainStep(nn.Cell):
    """One training step of a network that returns its loss: construct(*batch) -> status vector (see `run`).

    In one compiled graph: loss scaling, gradients, averaging over devices, unscaling, finite check,
    accumulation, clipping by global norm, the update rule, the moving average of the weights.

    Invariant: a step with a non-finite input, loss, gradient or moving statistic on any device leaves
    weights, moments, moving average, accumulated gradients and statistics of normalisations bit for bit as
    they were.

    All state is in Parameters: the network's own, and others whose names begin with `train.`. Restoring them
    all restores the step exactly.

    Args:
        network: construct(*batch) -> loss or (loss, *parts), scalars. Names of its parameters must be unique.
        lr: [steps] learning rate of every step; the last one holds beyond the end.
        optimizer: update rule and parameter groups; `freeze` is applied here.
        loss_scale: with `auto` already resolved (else it counts as none).
        clip_norm: largest global norm of the gradients of an update; 0: no clipping.
        accumulate: finite batches averaged into one update. The last step updates with what there is.
        ema_decay: decay of the moving average of the trained weights (`train.ema.<name>`); 0: none. It starts
            low, as min(ema_decay, (1 + updates) / (10 + updates)), so that initial weights are forgotten.
        parts: names of the parts of the loss.
        runtime: of the process; gradients are averaged over its ranks. None: one device.
        seed: of dropout masks.

    Raises:
        UserError: a setting out of range, a pattern that matches no parameter, nothing to train.
    """

    def __init__(
        self,
        network: nn.Cell,
        *,
        lr: np.ndarray,
        optimizer: OptimizerConfig | None = None,
        loss_scale: LossScaleConfig | None = None,
        clip_norm: float = 0.0,
        accumulate: int = 1,
        ema_decay: float = 0.0,
        parts: Sequence[str] = (),
        runtime: Runtime | None = None,
        seed: int = 1,
    ) -> None:
        super().__init__(auto_prefix=False)
        optimizer = optimizer or OptimizerConfig()
        loss_scale = loss_scale or LossScaleConfig(mode="none")
        check_loss_scale(loss_scale)
        optim.freeze(network, optimizer.freeze, statistics=optimizer.freeze_statistics)
        self.rules = optim.parameter_rules(network, optimizer)
        self.network = network
        self.part_names = tuple(parts)
        self.total_steps = len(lr)
        self.clip_norm = float(clip_norm)
        self.accumulate = int(accumulate)
        self.ema_decay = float(ema_decay)
        self.runtime = runtime or Runtime("CPU", 0)
        self.world_size = self.runtime.world_size
        self.lr = Tensor(np.asarray(lr, np.float32))
        self.weights = ParameterTuple(rule.parameter for rule in self.rules)
        self.optimizer = build_optimizer(self.rules, optimizer)
        self.scaler = LossScaler(loss_scale)
        self.norm = gradients.GlobalNorm()
        self.map = ops.HyperMap()
        self.gradient = ops.value_and_grad(self.scaled_loss, None, self.weights, has_aux=True)
        self._create_state()
        if self.world_size > 1:
            self.reducer = nn.DistributedGradReducer(self.weights, True, self.world_size)
            self.all_reduce = ops.AllReduce()
        connect_random_cells(network, self.step, seed=seed, rank=self.runtime.rank)
        self.set_train(True)

    def _create_state(self) -> None:
        self.step = _counter("train.step")
        self.updates = _counter("train.updates")
        self.skipped = _counter("train.skipped")
        self.skipped_in_a_row = _counter("train.skipped_in_a_row")
        self.stop_request = Parameter(Tensor(0.0, mstype.float32), name="request.stop", requires_grad=False)
        statistics = [p for p in self.network.get_parameters() if _is_statistic(p)]
        self.has_statistics = bool(statistics)
        if statistics:
            self.statistics = ParameterTuple(statistics)
            self.kept_statistics = self.statistics.clone(prefix="kept", init="same")
        if self.accumulate > 1:
            self.accumulated = self.weights.clone(prefix="train.accumulated", init="zeros")
            self.batches = _counter("train.accumulated_batches")
        if self.ema_decay:
            self.ema = self.weights.clone(prefix="train.ema", init="same")

    def scaled_loss(self, *batch: Tensor) -> tuple[Tensor, Tensor]:
        """(loss times scale, all losses as one float32 vector)."""
        losses = self.network(*batch)
        if isinstance(losses, tuple):
            losses = ops.stack(self.map(gradients.as_float32, losses))
        losses = ops.cast(losses, mstype.float32).reshape((-1,))
        return losses[0] * self.scaler.scale, losses

    def construct(self, *batch: Tensor) -> Tensor:
        self._keep_statistics()
        step = self.step * 1
        lr = ops.gather(self.lr, ops.minimum(step, self.total_steps - 1), 0)
        scale = self.scaler.scale * 1.0
        (scaled_loss, losses), grads = self.gradient(*batch)
        if self.world_size > 1:
            grads = self.reducer(grads)
        if self.scaler.scaling:
            grads = self.map(ops.partial(gradients.scaled, 1.0 / scale), grads)
        norm = self.norm(grads)
        witness = norm + scaled_loss + ops.addn(self.map(gradients.total, batch))
        losses, overflows, stop = self._agree(losses, witness)
        finite = overflows == 0
        if finite:
            self._learn(grads, norm, lr)
        else:
            self._restore_statistics()
        # Here and not in a branch: MindSpore cannot store a graph with one `if` inside another (compile cache).
        if self.accumulate > 1:  # noqa: SIM102 (decided at compilation, the other one in every step)
            if self._is_update_due(finite, step):
                self._update_with_mean(lr)
        if self.scaler.dynamic:
            self.scaler(finite)
        in_a_row = self._count(finite)
        return ops.concat((losses, ops.stack((lr, scale, norm, overflows, in_a_row, stop))))

    def _keep_statistics(self) -> None:
        if self.has_statistics:
            self.map(gradients.assigned, self.kept_statistics, self.statistics)

    def _restore_statistics(self) -> None:
        if self.has_statistics:
            self.map(gradients.assigned, self.statistics, self.kept_statistics)

    def _agree(self, losses: Tensor, witness: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(mean losses, devices that overflowed, devices that want to stop), float32, the same on every device."""
        if self.has_statistics:
            witness = witness + ops.addn(self.map(gradients.total, self.statistics))
        overflow = ops.cast(ops.logical_not(ops.isfinite(witness)), mstype.float32)
        stop = self.stop_request * 1.0
        if self.world_size > 1:
            votes = self.all_reduce(ops.concat((losses / self.world_size, ops.stack((overflow, stop)))))
            losses, overflow, stop = votes[:-2], votes[-2], votes[-1]
            ops.assign(self.stop_request, ops.zeros_like(self.stop_request))
        return losses, overflow, stop

    def _learn(self, grads: tuple[Tensor, ...], norm: Tensor, lr: Tensor) -> None:
        if self.accumulate == 1:
            self._update(grads, norm, lr)
        else:
            self.map(gradients.added, self.accumulated, grads)
            ops.assign_add(self.batches, 1)

    def _is_update_due(self, finite: Tensor, step: Tensor) -> Tensor:
        """Whether enough is accumulated, or nothing more comes."""
        return ops.logical_and(
            finite, ops.logical_or(self.batches >= self.accumulate, step + 1 >= self.total_steps)
        )

    def _update_with_mean(self, lr: Tensor) -> None:
        share = 1.0 / ops.cast(self.batches, mstype.float32)
        mean = self.map(ops.partial(gradients.scaled, share), self.accumulated)
        self._update(mean, self.norm(mean), lr)
        self.map(gradients.zeroed, self.accumulated)
        ops.assign(self.batches, ops.zeros_like(self.batches))

    def _update(self, grads: tuple[Tensor, ...], norm: Tensor, lr: Tensor) -> None:
        if self.clip_norm:
            share = self.clip_norm / ops.maximum(norm, self.clip_norm)
            grads = self.map(ops.partial(gradients.scaled, share), grads)
        self.optimizer(grads, lr)
        ops.assign_add(self.updates, 1)
        if self.ema_decay:
            updates = ops.cast(self.updates, mstype.float32)
            decay = ops.minimum((1.0 + updates) / (10.0 + updates), self.ema_decay)
            self.map(ops.partial(gradients.averaged, decay), self.ema, self.weights)

    def _count(self, finite: Tensor) -> Tensor:
        """Advance the counters; returns the skipped steps in a row as float32."""
        skipped = ops.cast(ops.logical_not(finite), mstype.int32)
        in_a_row = (self.skipped_in_a_row + 1) * skipped
        ops.assign(self.skipped_in_a_row, in_a_row)
        ops.assign_add(self.skipped, skipped)
        ops.assign_add(self.step, 1)
        return ops.cast(in_a_row, mstype.float32)

    def run(self, batch: Sequence[np.ndarray]) -> StepResult:
        """Do one step with a batch of arrays and wait for its numbers."""
        tensors = tuple(Tensor(array) for array in batch)
        with first_call(self, tensors):
            returned = self(*tensors)
        return self.result_of(returned)

    def result_of(self, returned: Tensor) -> StepResult:
        """What `construct` returned, in words; waits until it is computed."""
        status = returned.asnumpy()
        losses = status[:-_STATUS_FIELDS]
        lr, scale, norm, overflows, in_a_row, stop = status[-_STATUS_FIELDS:]
        names = (*self.part_names, *(f"part{i}" for i in range(len(self.part_names) + 1, len(losses))))
        return StepResult(
            loss=float(losses[0]),
            parts=dict(zip(names, map(float, losses[1:]), strict=False)),
            lr=float(lr),
            scale=float(scale),
            gradient_norm=float(norm),
            skipped=bool(overflows > 0),
            skipped_in_a_row=int(in_a_row),
            stop=bool(stop > 0),
        )

    def request_stop(self) -> None:
        """Ask all devices to stop after the next step; they learn it together, from `StepResult.stop`."""
        self.stop_request.set_data(Tensor(1.0, mstype.float32))

    def start_at(self, step: int) -> None:
        """Count `step` steps as done, before the first one is; the learning rate goes on from there."""
        self.step.set_data(Tensor(step, mstype.int32))

    def average_statistics(self) -> None:
        """Give all ranks the mean of their moving statistics; every rank calls it. Weights are equal."""
        if self.world_size == 1 or not self.has_statistics:
            return
        own = np.concatenate([p.asnumpy() for p in self.statistics])
        mean = all_sum(own, self.runtime) / self.world_size
        parts = np.split(mean, np.cumsum([p.size for p in self.statistics])[:-1])
        for parameter, part in zip(self.statistics, parts, strict=True):
            parameter.set_data(Tensor(part))

    def state(self) -> dict[str, Parameter]:
        """Everything an exact resume needs: the network's parameters and those named `train.*`, by name."""
        own = {p.name: p for p in self.get_parameters() if p.name.startswith(STATE_PREFIX)}
        return {**self.network_parameters(), **own}

    def network_parameters(self) -> dict[str, Parameter]:
        """Weights and statistics of the network by name."""
        return {p.name: p for p in self.network.get_parameters() if not p.name.startswith(STATE_PREFIX)}

    @property
    def steps_done(self) -> int:
        """Steps finished since the start of the run, skipped ones and those of `start_at` included."""
        return int(self.step.asnumpy())

    @property
    def steps_skipped(self) -> int:
        """Those of them that overflowed."""
        return int(self.skipped.asnumpy())


def _counter(name: str) -> Parameter:
    return Parameter(Tensor(0, mstype.int32), name=name, requires_grad=False)


def _is_statistic(parameter: Parameter) -> bool:
    return parameter.name.endswith(("moving_mean", "moving_variance"))
