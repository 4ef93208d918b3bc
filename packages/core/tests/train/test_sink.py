"""Sunk steps. MindSpore's device queue exists on Ascend and GPU only, so a stand-in takes its place here."""

import signal
from collections.abc import Callable
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.device import Runtime
from ms_core.errors import Interrupted, UserError
from ms_core.train.step import StepResult, TrainStep
from tiny_training import Classifier, TinyBatches, arrays_of, new_run, tiny_fit, tiny_step

STEPS = 12
ASCEND = Runtime("Ascend", 0)


class Queue:
    """What `to_device` would return."""

    def __init__(self) -> None:
        self.stopped = False

    def stop_send(self) -> None:
        self.stopped = True


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> list[Queue]:
    """Replaces `mindspore.data_sink` by one that takes its batches from the data set itself, on this CPU."""
    made: list[Queue] = []

    def data_sink(
        step: nn.Cell, dataset: ms.dataset.Dataset, sink_size: int, input_signature: tuple
    ) -> Callable[[], Tensor]:
        dataset.__transfer_dataset__ = Queue()
        made.append(dataset.__transfer_dataset__)
        rows = dataset.create_tuple_iterator(num_epochs=1)

        def one_step() -> Tensor:
            row = next(rows)
            assert [(t.shape, t.dtype) for t in row] == [(t.shape, t.dtype) for t in input_signature]
            return step(*row)

        assert sink_size == 1
        return one_step

    monkeypatch.setattr(ms, "data_sink", data_sink)
    return made


def signal_in_step(step: TrainStep, number: int) -> None:
    """Let this process get a signal when the result of step `number` (from 1) is read."""
    read, seen = step.result_of, []

    def read_and_signal(status: Tensor) -> StepResult:
        seen.append(status)
        if len(seen) == number:
            signal.raise_signal(signal.SIGTERM)
        return read(status)

    step.result_of = read_and_signal  # type: ignore[method-assign]


def sunk_step(seed: int = 1) -> TrainStep:
    return tiny_step(seed, network=Classifier, runtime=ASCEND)


def test_a_cpu_has_no_queue(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^train\.sink: a CPU has no queue.*Leave it at 0\.$"):
        tiny_fit(tiny_step(network=Classifier), new_run(tmp_path / "run"), TinyBatches(STEPS), sink=2)


@pytest.mark.parametrize("sink", [1, 3, 100])
def test_sunk_steps_end_where_single_ones_do(sink: int, tmp_path: Path, queues: list[Queue]) -> None:
    """Stretches of three and one in epochs of four; every step is recorded, whatever the stretch."""
    plain, sunk = tiny_step(network=Classifier), sunk_step()
    batches = TinyBatches(STEPS, infinite=(5,))
    runs = [new_run(tmp_path / name) for name in ("plain", "sunk")]
    tiny_fit(plain, runs[0], batches)
    tiny_fit(sunk, runs[1], batches, sink=sink)
    expected, found = arrays_of(plain), arrays_of(sunk)
    assert [name for name in expected if not np.array_equal(expected[name], found[name])] == []
    losses = [[record.get("loss") for record in run.read_metrics()] for run in runs]
    assert losses[0] == losses[1]
    assert len(losses[1]) == STEPS
    assert "step 6: overflow, skipped" in runs[1].log_path.read_text(encoding="utf-8")
    assert [queue.stopped for queue in queues] == [True]


def test_a_signal_is_honoured_after_the_stretch_and_resumes_exactly(
    tmp_path: Path, queues: list[Queue]
) -> None:
    whole = sunk_step()
    tiny_fit(whole, new_run(tmp_path / "whole"), TinyBatches(STEPS), sink=3)
    run, cut = new_run(tmp_path / "cut"), sunk_step()
    signal_in_step(cut, 6)
    with pytest.raises(Interrupted, match=f"after step 7 of {STEPS}"):
        tiny_fit(cut, run, TinyBatches(STEPS), sink=3)
    resumed = sunk_step(seed=5)
    tiny_fit(resumed, run, TinyBatches(STEPS), resume=True, sink=3)
    expected, found = arrays_of(whole), arrays_of(resumed)
    assert [name for name in expected if not np.array_equal(expected[name], found[name])] == []


def test_a_bad_file_surfaces_as_it_is(tmp_path: Path, queues: list[Queue]) -> None:
    run = new_run(tmp_path / "run")
    with pytest.raises(UserError, match=r"^photo\.jpg: cannot be read\. Remove it\.$"):
        tiny_fit(sunk_step(), run, TinyBatches(STEPS, broken=5), sink=2)
    assert queues[0].stopped
    assert run.last_path.is_file()
