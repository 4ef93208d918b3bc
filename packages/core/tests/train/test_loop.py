"""The loop around the step: records, checkpoints, evaluation, errors."""

import builtins
import errno
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.checkpoint.read import read_weights
from ms_core.errors import UserError
from ms_core.run_folder import RunFolder
from ms_core.train.checkpoints import averaged_weights
from ms_core.train.config import TrainConfig, check
from ms_core.train.loop import fit
from ms_core.train.step import TrainStep
from tiny_training import Classifier, TinyBatches, arrays_of, new_run, tiny_fit, tiny_step


def scores(*values: float):
    """An evaluation that returns these values of AP one after the other."""
    left = list(values)

    def evaluate(network: nn.Cell) -> dict[str, float]:
        assert not network.training
        return {"AP": left.pop(0), "AP50": 0.5}

    return evaluate


def small_step(**options: object) -> TrainStep:
    return tiny_step(network=Classifier, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, TrainStep, object]:
    """Six epochs of two steps with evaluation, averaged weights and kept checkpoints."""
    run = new_run(tmp_path_factory.mktemp("loop") / "run")
    step = tiny_step(ema_decay=0.5)
    evaluate = scores(0.2, float("nan"), 0.6, 0.5)
    options = {"save_every": 1, "keep_max": 2, "eval_start": 2, "eval_interval": 2, "log_every": 3}
    result = tiny_fit(step, run, TinyBatches(12, (3,)), 7 - 1, evaluate=evaluate, tensorboard=True, **options)
    return run, step, result


def test_metrics_hold_training_and_evaluation_records(trained: tuple) -> None:
    run, _, _ = trained
    records = run.read_metrics()
    training = [r for r in records if r["kind"] == "train"]
    assert [r["step"] for r in training] == [3, 6, 9, 12]
    assert [r["epoch"] for r in training] == [1.5, 3, 4.5, 6]
    wanted = {
        "loss",
        "loss_half",
        "lr",
        "images_per_second",
        "skipped",
        "scale",
        "gradient_norm",
        "memory_mb",
    }
    assert all(wanted <= r.keys() for r in training)
    assert [r["skipped"] for r in training] == [0, 1, 1, 1]
    assert all(100 < r["memory_mb"] < 20_000 for r in training)
    evaluations = [(r["step"], r["epoch"], r["AP"]) for r in records if r["kind"] == "evaluation"]
    assert evaluations == [(4, 2, 0.2), (8, 4, None), (12, 6, 0.6)]


def test_best_is_the_largest_number_and_kept_files_are_bounded(trained: tuple) -> None:
    run, _, result = trained
    assert (result.best, result.best_epoch, result.steps, result.skipped) == (0.6, 6, 12, 1)
    assert result.checkpoint == run.best_path
    names = sorted(p.name for p in run.checkpoints.iterdir())
    assert names == ["best.ckpt", "epoch-5.ckpt", "epoch-6.ckpt", "last.ckpt"]


def test_checkpoints_hold_averaged_weights_and_facts(trained: tuple) -> None:
    run, step, _ = trained
    best, last = read_weights(run.best_path), read_weights(run.last_path)
    assert best.arrays.keys() == step.network_parameters().keys()
    np.testing.assert_array_equal(best.arrays["head.weight"], last.arrays["train.ema.head.weight"])
    np.testing.assert_array_equal(best.arrays["body.1.moving_mean"], last.arrays["body.1.moving_mean"])
    assert (best.arrays["head.weight"] != last.arrays["head.weight"]).any()
    assert last.arrays.keys() == step.state().keys()
    assert best.metadata["model"] == "tiny"
    assert (best.metadata["epoch"], best.metadata["step"]) == (6, 12)
    assert best.metadata["metrics"] == {"AP": 0.6, "AP50": 0.5}
    assert best.metadata["versions"]["mindspore"].startswith("2.")


def test_the_log_says_what_happens(trained: tuple) -> None:
    run, _, _ = trained
    log = run.log_path.read_text(encoding="utf-8")
    assert "compiling the training graph, this can take minutes" in log
    assert "step 4: overflow, skipped" in log
    assert "epoch 2 evaluated in" in log
    assert "epoch 6/6  step 12/12  loss" in log
    assert "images/s" in log
    assert "1 skipped" in log
    assert "best AP 0.6000 after epoch 6" in log


def test_tensorboard_files_are_written(trained: tuple) -> None:
    assert list((trained[0].path / "tensorboard").iterdir())


def test_evaluation_sees_averaged_weights_and_leaves_no_trace(tmp_path: Path) -> None:
    step = tiny_step(ema_decay=0.5)
    seen = {}

    def evaluate(network: nn.Cell) -> dict[str, float]:
        seen["weights"] = {p.name: p.asnumpy().copy() for p in step.weights}
        network(*(Tensor(array) for array in TinyBatches(1)[0]))[0].asnumpy()
        return {"AP": 1.0}

    tiny_fit(step, new_run(tmp_path / "run"), TinyBatches(2), epochs=1, evaluate=evaluate)
    after = arrays_of(step)
    for name, weight in seen["weights"].items():
        np.testing.assert_array_equal(weight, after[f"train.ema.{name}"])
        assert (weight != after[name]).any() or name.endswith("bias")
    assert step.network.training
    plain = tiny_step(ema_decay=0.5)
    tiny_fit(plain, new_run(tmp_path / "plain"), TinyBatches(2), epochs=1)
    for name, array in arrays_of(plain).items():
        np.testing.assert_array_equal(array, after[name], err_msg=name)


def test_averaged_weights_come_back_even_from_an_error() -> None:
    step = small_step(ema_decay=0.5)
    step.ema[0].set_data(Tensor(np.full(step.ema[0].shape, 9, np.float32)))
    before = arrays_of(step)
    seen = []

    def evaluate_and_fail() -> None:
        with averaged_weights(step):
            seen.append(step.weights[0].asnumpy().copy())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        evaluate_and_fail()
    assert (seen[0] == 9).all()
    for name, array in arrays_of(step).items():
        np.testing.assert_array_equal(array, before[name])


def test_a_run_may_start_at_a_later_epoch(tmp_path: Path) -> None:
    """Old defect: pre_trained_epoch_size cut the schedule, but all epochs were trained, numbered from 1."""
    run, asked = new_run(tmp_path / "run"), []

    class Watched(TinyBatches):
        def __getitem__(self, step: int) -> tuple:
            asked.append(step)
            return super().__getitem__(step)

    step = small_step()
    result = tiny_fit(step, run, Watched(12), epochs=3, start_epoch=1, evaluate=scores(0.3, 0.2))
    assert asked == list(range(4, 12))
    assert (result.steps, result.best_epoch) == (12, 2)
    records = run.read_metrics()
    assert [r["step"] for r in records if r["kind"] == "train"] == list(range(5, 13))
    assert [r["epoch"] for r in records if r["kind"] == "evaluation"] == [2, 3]
    rates = [r["lr"] for r in records if r["kind"] == "train"]
    np.testing.assert_allclose(rates, np.linspace(0.1, 0.01, 12)[4:], rtol=1e-6)
    log = run.log_path.read_text(encoding="utf-8")
    assert "going on after step 4 of 12" in log
    assert "trained 8 steps (0 skipped)" in log


def test_a_late_start_is_resumed_where_it_stopped(tmp_path: Path) -> None:
    whole, cut = new_run(tmp_path / "whole"), new_run(tmp_path / "cut")
    expected = small_step()
    tiny_fit(expected, whole, TinyBatches(12), epochs=3, start_epoch=1)
    with pytest.raises(UserError, match="photo"):
        tiny_fit(small_step(), cut, TinyBatches(12, broken=6), epochs=3, start_epoch=1)
    resumed = small_step(seed=4)
    tiny_fit(resumed, cut, TinyBatches(12), epochs=3, start_epoch=1, resume=True)
    for name, array in arrays_of(expected).items():
        np.testing.assert_array_equal(array, arrays_of(resumed)[name], err_msg=name)


def test_iterations_may_end_a_run_within_an_epoch(tmp_path: Path) -> None:
    """Three epochs of four steps are cut at step 10; the end is evaluated and kept like the end of an epoch."""

    def batches() -> TinyBatches:
        cut = TinyBatches(10)
        cut.steps_per_epoch = 4
        return cut

    run, resumed = new_run(tmp_path / "run"), new_run(tmp_path / "resumed")
    settings = TrainConfig(iterations=10, batch_size=4, log_every=1, workers=1)
    step = small_step(steps=10)
    result = fit(step, batches(), settings, run, {}, scores(0.1, 0.2, 0.3))
    assert (result.steps, result.best, result.best_epoch) == (10, 0.3, 3)
    evaluated = [(r["step"], r["epoch"]) for r in run.read_metrics() if r["kind"] == "evaluation"]
    assert evaluated == [(4, 1), (8, 2), (10, 3)]
    broken = batches()
    broken.broken = 9
    with pytest.raises(UserError, match="photo"):
        fit(small_step(steps=10), broken, settings, resumed, {}, scores(0.1, 0.2))
    again = small_step(steps=10, seed=4)
    assert fit(again, batches(), settings, resumed, {}, scores(0.3), resume=True).best_epoch == 3
    for name, array in arrays_of(step).items():
        np.testing.assert_array_equal(array, arrays_of(again)[name], err_msg=name)


def test_evaluation_may_be_switched_off(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    settings = TrainConfig(epochs=1, batch_size=4, workers=1, evaluate=False)
    result = fit(small_step(steps=2), TinyBatches(2), settings, run, {}, scores())
    assert (result.best, result.checkpoint) == (None, run.last_path)


def test_no_epoch_left_is_refused() -> None:
    with pytest.raises(UserError, match=r"train\.start_epoch: 3 leaves nothing of the 3 epochs"):
        check(TrainConfig(epochs=3, start_epoch=3))


def test_frozen_norms_cannot_be_synchronised() -> None:
    with pytest.raises(UserError, match=r"train\.freeze_norm: leaves no statistics to synchronise"):
        check(TrainConfig(freeze_norm=True, sync_batch_norm=True))


def test_too_many_overflows_stop_with_the_files(tmp_path: Path) -> None:
    step = small_step()
    run = new_run(tmp_path / "run")
    with pytest.raises(
        UserError, match=r"3 steps in a row overflowed, the last one with 6-0\.jpg, 6-1\.jpg.*lr"
    ):
        tiny_fit(step, run, TinyBatches(12, infinite=(1, 4, 5, 6)), max_skipped_steps=3)
    assert step.steps_done == 7


def test_a_bad_file_surfaces_and_leaves_a_resumable_state(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    step = small_step()
    with pytest.raises(UserError, match=r"^photo\.jpg: cannot be read\. Remove it\.$"):
        tiny_fit(step, run, TinyBatches(12, broken=5), workers=2)
    resumed = small_step(seed=3)
    assert tiny_fit(resumed, run, TinyBatches(12), resume=True).steps == 12


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path / "run")
    tiny_fit(small_step(steps=2), run, TinyBatches(2), epochs=1)
    before = run.last_path.read_bytes()

    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    step = small_step(steps=2)
    run_step = step.run

    def run_and_fill_the_disk(batch: tuple[np.ndarray, ...]) -> object:
        monkeypatch.setattr("os.fsync", no_space)
        return run_step(batch)

    monkeypatch.setattr(step, "run", run_and_fill_the_disk)
    with pytest.raises(UserError, match=r"last\.ckpt: .*No space left on device"):
        tiny_fit(step, run, TinyBatches(2), epochs=1)
    assert run.last_path.read_bytes() == before
    assert [p.name for p in run.checkpoints.iterdir()] == ["last.ckpt"]


def test_resume_with_other_settings_is_refused(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    tiny_fit(small_step(steps=2), run, TinyBatches(2), epochs=1)
    with pytest.raises(UserError, match=r"last\.ckpt: holds no 'train\.ema\..*config\.yaml"):
        tiny_fit(small_step(steps=2, ema_decay=0.5), run, TinyBatches(2), epochs=1, resume=True)


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    tiny_fit(small_step(steps=2), run, TinyBatches(2), epochs=1, evaluate=scores(0.5))
    again = tiny_fit(small_step(steps=2), run, TinyBatches(2), epochs=1, evaluate=scores(), resume=True)
    assert (again.steps, again.best, again.best_epoch) == (2, 0.5, 1)


def test_the_best_metric_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.best_metric: no 'mIoU' among the metrics: AP, AP50"):
        tiny_fit(
            small_step(steps=2),
            new_run(tmp_path / "run"),
            TinyBatches(2),
            epochs=1,
            evaluate=scores(0.5),
            best_metric="mIoU",
        )


def test_only_the_main_rank_writes(tmp_path: Path) -> None:
    new_run(tmp_path / "run")
    before = sorted(tmp_path.rglob("*"))
    other = RunFolder(tmp_path / "run", is_main=False)
    tiny_fit(small_step(steps=2), other, TinyBatches(2), epochs=1, evaluate=scores(0.5), save_every=1)
    assert sorted(tmp_path.rglob("*")) == before


def test_tensorboard_is_asked_for_by_name_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name.startswith("tensorboardX"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r'pip install "ms-core\[logs\]"'):
        tiny_fit(small_step(), new_run(tmp_path / "run"), TinyBatches(12), tensorboard=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("accumulate", 0),
        ("clip_norm", -1.0),
        ("ema_decay", 1.0),
        ("keep_max", 0),
        ("workers", 0),
        ("start_epoch", -1),
        ("sink", -1),
    ],
)
def test_a_value_out_of_range_is_named(field: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"train\.{field}: {value}"):
        check(TrainConfig(**{field: value}))
