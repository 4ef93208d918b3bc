"""A stopped and resumed run ends bit for bit where an uninterrupted one does."""

import signal
from pathlib import Path

import numpy as np
import pytest
from mindspore import nn
from ms_core.checkpoint.read import read_weights
from ms_core.errors import Interrupted, UserError
from ms_core.train.step import TrainStep
from tiny_training import EVERYTHING, Classifier, TinyBatches, arrays_of, new_run, tiny_fit, tiny_step

STEPS = 12


def stop_after(step: TrainStep, steps: int, number: signal.Signals) -> None:
    """Let this process get a signal while it does step number `steps`."""
    run = step.run

    def run_and_signal(batch: tuple[np.ndarray, ...]) -> object:
        result = run(batch)
        if step.steps_done == steps:
            signal.raise_signal(number)
        return result

    step.run = run_and_signal  # type: ignore[method-assign, assignment]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    step = tiny_step(**EVERYTHING)
    tiny_fit(step, new_run(tmp_path_factory.mktemp("whole") / "run"), TinyBatches(STEPS, infinite=(1, 6)))
    return arrays_of(step)


@pytest.mark.parametrize(
    ("stop", "number"),
    [(1, signal.SIGINT), (5, signal.SIGTERM), (8, signal.SIGINT)],
    ids=["mid accumulation", "mid epoch", "end of an epoch"],
)
def test_resume_is_exact(
    tmp_path: Path, uninterrupted: dict[str, np.ndarray], stop: int, number: signal.Signals
) -> None:
    run = new_run(tmp_path / "run")
    first = tiny_step(**EVERYTHING)
    stop_after(first, stop, number)
    with pytest.raises(Interrupted, match=f"after step {stop} of {STEPS}.*ms-ssd train --resume x"):
        tiny_fit(first, run, TinyBatches(STEPS, infinite=(1, 6)), resume_command="ms-ssd train --resume x")
    second = tiny_step(seed=99, **EVERYTHING)
    result = tiny_fit(second, run, TinyBatches(STEPS, infinite=(1, 6)), resume=True)
    assert result.steps == STEPS
    assert result.skipped == 2
    resumed = arrays_of(second)
    assert resumed.keys() == uninterrupted.keys()
    different = [name for name, array in uninterrupted.items() if not np.array_equal(array, resumed[name])]
    assert different == []
    assert [r["step"] for r in run.read_metrics()] == list(range(1, STEPS + 1))


def test_a_signal_in_an_evaluation_loses_nothing(tmp_path: Path) -> None:
    """The evaluation is given up at once and done first after the resume; averaged weights are swapped back."""
    run = new_run(tmp_path / "run")
    step = tiny_step(network=Classifier, ema_decay=0.5)

    def interrupted(network: nn.Cell) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("not reached")

    with pytest.raises(Interrupted, match="after step 4 of 12"):
        tiny_fit(step, run, TinyBatches(STEPS), evaluate=interrupted)
    saved = read_weights(run.last_path).arrays
    assert [name for name, array in arrays_of(step).items() if not np.array_equal(array, saved[name])] == []
    resumed = tiny_step(seed=9, network=Classifier, ema_decay=0.5)
    tiny_fit(resumed, run, TinyBatches(STEPS), evaluate=lambda network: {"AP": 0.5}, resume=True)
    evaluations = [r["epoch"] for r in run.read_metrics() if r["kind"] == "evaluation"]
    assert evaluations == [1, 2, 3]


def test_a_resume_with_other_batches_is_refused(tmp_path: Path) -> None:
    """Step N would be another batch, and the run a silent mixture of two."""
    run = new_run(tmp_path / "run")
    tiny_fit(tiny_step(network=Classifier), run, TinyBatches(STEPS))
    with pytest.raises(UserError, match=r"last\.ckpt: was written with steps_per_epoch 4, now it is 3"):
        tiny_fit(tiny_step(network=Classifier), run, TinyBatches(9), resume=True)


def test_a_resume_with_fewer_epochs_than_are_done_is_refused(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    tiny_fit(tiny_step(network=Classifier), run, TinyBatches(STEPS))
    with pytest.raises(UserError, match="12 steps are done"):
        tiny_fit(tiny_step(network=Classifier), run, TinyBatches(4), epochs=1, resume=True)
