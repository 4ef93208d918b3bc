"""Data sinking: batches reach the device through its own queue, ahead of the steps that use them.

MindSpore has such a queue on Ascend and GPU only, and we had neither: what surrounds `mindspore.data_sink` is
tested with a stand-in for it on CPU, the real one was never run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import mindspore as ms
import numpy as np
from mindspore import Tensor

from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.train.step import StepResult, TrainStep


class Batches(Protocol):
    """As `ms_core.train.loop.BatchSource`."""

    def __len__(self) -> int: ...

    def __getitem__(self, step: int) -> Sequence[np.ndarray]: ...


def check_sink(sink: int, runtime: Runtime) -> None:
    """
    Raises:
        UserError: sinking is asked for on a CPU.
    """
    if sink and runtime.device == "CPU":
        raise UserError("train.sink: a CPU has no queue to sink batches into. Leave it at 0.")


@contextmanager
def sunk_steps(
    step: TrainStep, batches: Batches, start: int, *, workers: int
) -> Iterator[Callable[[int], list[StepResult]]]:
    """Inside, a function that does the next `count` steps with batches from the device's queue.

    It asks for the results only after the last of them, so the host is never waited for in between.

    Args:
        step: the compiled step.
        batches: of the whole run.
        start: the first step to do.
        workers: threads that prepare batches.
    """
    rows = _Rows(batches, start)
    first = rows[0]
    columns = [f"column{index}" for index in range(len(first))]
    dataset = ms.dataset.GeneratorDataset(
        rows, columns, shuffle=False, num_parallel_workers=workers, python_multiprocessing=False
    )
    # The signature fixes the shapes: without one MindSpore asks the queue for them before every step.
    signature = tuple(Tensor(shape=array.shape, dtype=Tensor(array).dtype) for array in first)
    one_step = ms.data_sink(step, dataset, sink_size=1, input_signature=signature)

    def do_steps(count: int) -> list[StepResult]:
        try:
            returned = [one_step() for _ in range(count)]
            return [step.result_of(status) for status in returned]
        except RuntimeError as error:
            if rows.failure is not None:
                raise rows.failure from error
            raise

    try:
        yield do_steps
    finally:
        if hasattr(dataset, "__transfer_dataset__"):
            dataset.__transfer_dataset__.stop_send()


class _Rows:
    """Batches from `start` on, for GeneratorDataset; remembers an error that MindSpore would bury in its own."""

    def __init__(self, batches: Batches, start: int) -> None:
        self.batches = batches
        self.start = start
        self.failure: UserError | None = None

    def __len__(self) -> int:
        return len(self.batches) - self.start

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        if index >= len(self):
            raise IndexError(index)
        try:
            return tuple(self.batches[self.start + index])
        except UserError as error:
            self.failure = error
            raise
