"""One compiled step: skipping, scaling, clipping, accumulation, moving average."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.loss_scale import LossScaleConfig
from ms_core.optim import OptimizerConfig, freeze_norms
from ms_core.precision import apply_precision
from ms_core.train.step import TrainStep
from tiny_training import EVERYTHING, TinyBatches, TinyLoss, TinyNet, arrays_of, tiny_step

SGD = OptimizerConfig(name="sgd", weight_decay=0.0)


class Linear(nn.Cell):
    """construct(x [B, 3], factor [1]) -> mean of factor * w.x; the gradient of w is factor * mean of x."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Dense(3, 1, weight_init="zeros", has_bias=False)

    def construct(self, x: Tensor, factor: Tensor) -> Tensor:
        return (self.dense(x) * factor).mean()


def linear_step(**options: object) -> TrainStep:
    ms.set_context(mode=ms.GRAPH_MODE)
    return TrainStep(Linear(), **{"lr": np.ones(100), "optimizer": SGD, **options})


def rows(*values: float) -> tuple[np.ndarray, np.ndarray]:
    """A batch of one row, (3, 0, 4) times each value."""
    return np.float32([[3 * v, 0, 4 * v] for v in values]), np.float32([1])


def changed(before: dict[str, np.ndarray], step: TrainStep) -> set[str]:
    after = arrays_of(step)
    return {name for name, array in before.items() if not np.array_equal(array, after[name])}


@pytest.mark.parametrize(("mode", "accumulate"), [("none", 1), ("static", 3), ("dynamic", 1), ("dynamic", 3)])
def test_an_infinite_pixel_changes_nothing_but_counters(mode: str, accumulate: int) -> None:
    options = {**EVERYTHING, "accumulate": accumulate, "loss_scale": LossScaleConfig(mode=mode, scale=1024)}
    step = tiny_step(**options)
    batches = TinyBatches(12, infinite=(4, 5))
    for number in range(4):
        assert not step.run(batches[number]).skipped
    before = arrays_of(step)
    results = [step.run(batches[number]) for number in (4, 5)]
    assert [r.skipped for r in results] == [True, True]
    assert [r.skipped_in_a_row for r in results] == [1, 2]
    counters = {"train.step", "train.skipped", "train.skipped_in_a_row"}
    assert changed(before, step) == counters | (
        {"train.scale", "train.finite_steps"} if mode == "dynamic" else set()
    )
    assert step.run(batches[6]).skipped_in_a_row == 0
    assert step.steps_skipped == 2
    assert "body.1.moving_mean" in changed(before, step)


def test_an_infinite_pixel_before_frozen_layers_is_noticed() -> None:
    """ReLU6 turns NaN into a number: neither loss nor gradients show it."""
    step = tiny_step(optimizer=OptimizerConfig(freeze=("body",)))
    before = arrays_of(step)
    assert step.run(TinyBatches(1, infinite=(0,))[0]).skipped
    assert not any(name.startswith(("head", "body")) for name in changed(before, step))


def test_frozen_layers_and_their_statistics_stay() -> None:
    step = tiny_step(optimizer=OptimizerConfig(freeze=("body.0", "body.1")))
    before = arrays_of(step)
    step.run(TinyBatches(1)[0])
    moved = changed(before, step)
    assert not any(name.startswith(("body.0", "body.1")) for name in moved)
    assert {"body.3.weight", "body.4.moving_mean", "head.bias"} <= moved


def test_frozen_norms_keep_their_statistics_and_learn_scale_and_shift() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = TinyNet()
    assert freeze_norms(network) == 2
    step = TrainStep(TinyLoss(network), lr=np.full(3, 0.1))
    before = arrays_of(step)
    step.run(TinyBatches(1)[0])
    moved = changed(before, step)
    assert {"body.1.gamma", "body.1.beta", "body.4.gamma", "body.0.weight"} <= moved
    assert not any("moving_" in name for name in moved)


def test_a_step_may_start_late() -> None:
    step = tiny_step(lr=np.float32([0.5, 0.25, 0.125]))
    step.start_at(2)
    assert step.run(TinyBatches(1)[0]).lr == 0.125
    assert step.steps_done == 3


def test_the_result_reports_loss_parts_rate_and_norm() -> None:
    step = tiny_step(lr=np.float32([0.5, 0.25, 0.125]))
    batches = TinyBatches(4)
    results = [step.run(batches[number]) for number in range(4)]
    assert [r.lr for r in results] == [0.5, 0.25, 0.125, 0.125]
    assert results[0].parts["half"] == pytest.approx(results[0].loss / 2, rel=1e-6)
    assert results[0].gradient_norm > 0
    assert step.steps_done == 4


@pytest.mark.parametrize(("mode", "scale"), [("none", 1.0), ("static", 1024.0), ("dynamic", 4096.0)])
def test_the_scale_does_not_change_the_update(mode: str, scale: float) -> None:
    step = linear_step(loss_scale=LossScaleConfig(mode=mode, scale=scale))
    result = step.run(rows(1.0))
    assert (result.scale, result.gradient_norm) == (scale, 5.0)
    np.testing.assert_array_equal(step.weights[0].asnumpy(), np.float32([[-3, 0, -4]]))


def test_a_dynamic_scale_falls_on_overflow_and_grows_after_a_quiet_time() -> None:
    config = LossScaleConfig(mode="dynamic", scale=8, growth_interval=3)
    step = linear_step(loss_scale=config)
    values = [1, 1, np.inf, 1, 1, 1, 1, np.inf, np.inf, np.inf, np.inf, np.inf, 1]
    scales = [step.run(rows(v)).scale for v in values]
    assert scales == [8, 8, 8, 4, 4, 4, 8, 8, 4, 2, 1, 1, 1]


def test_clipping_bounds_the_norm_and_leaves_small_gradients() -> None:
    step = linear_step(clip_norm=2.0, loss_scale=LossScaleConfig(mode="static", scale=256))
    assert step.run(rows(1.0)).gradient_norm == 5.0
    np.testing.assert_allclose(step.weights[0].asnumpy(), [[-1.2, 0, -1.6]], rtol=1e-6)
    step.run(rows(0.25))
    np.testing.assert_allclose(step.weights[0].asnumpy(), [[-1.95, 0, -2.6]], rtol=1e-6)


def test_accumulation_averages_finite_batches_and_the_rest_at_the_end() -> None:
    step = linear_step(accumulate=3, lr=np.ones(8))
    first = []
    for value in (1, np.inf, 2, 3, 1, 1, np.inf, 5):
        step.run(rows(value))
        first.append(float(step.weights[0].asnumpy()[0, 0]))
    assert first == pytest.approx([0, 0, 0, -6, -6, -6, -6, -6 - 7], rel=1e-6)
    assert int(step.updates.asnumpy()) == 2


def test_accumulation_clips_the_mean() -> None:
    step = linear_step(accumulate=2, clip_norm=5.0)
    step.run(rows(3.0))
    step.run(rows(1.0))
    np.testing.assert_allclose(step.weights[0].asnumpy(), [[-3, 0, -4]], rtol=1e-6)


def test_the_moving_average_starts_fast_and_ends_at_its_decay() -> None:
    step = linear_step(ema_decay=0.5)
    weight, average = 0.0, 0.0
    for update in range(1, 12):
        step.run(rows(float(update)))
        weight -= 3 * update
        decay = min(0.5, (1 + update) / (10 + update))
        average = decay * average + (1 - decay) * weight
    assert float(step.ema[0].asnumpy()[0, 0]) == pytest.approx(average, rel=1e-5)


def test_fp16_trains_on_cpu_with_a_dynamic_scale() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = TinyNet()
    apply_precision(network, "fp16", Runtime("CPU", 0))
    step = TrainStep(TinyLoss(network), lr=np.full(30, 0.3), loss_scale=LossScaleConfig(mode="dynamic"))
    batch = TinyBatches(1)[0]
    losses = [step.run(batch).loss for _ in range(30)]
    assert losses[-1] < 0.8 * losses[0]
    assert {p.dtype for p in step.weights} == {ms.float32}


def test_pynative_mode_gives_the_same_weights() -> None:
    graph = tiny_step(**EVERYTHING)
    eager = tiny_step(**EVERYTHING)
    for left, right in zip(graph.weights, eager.weights, strict=True):
        right.set_data(Tensor(left.asnumpy()))
    batches = TinyBatches(6, infinite=(2,))
    for number in range(6):
        ms.set_context(mode=ms.GRAPH_MODE)
        expected = graph.run(batches[number])
        ms.set_context(mode=ms.PYNATIVE_MODE)
        assert eager.run(batches[number]).skipped == expected.skipped
    for left, right in zip(graph.weights, eager.weights, strict=True):
        np.testing.assert_allclose(left.asnumpy(), right.asnumpy(), atol=2e-5)


def test_a_single_loss_and_unnamed_parts() -> None:
    class Parts(Linear):
        def construct(self, x: Tensor, factor: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            loss = (self.dense(x) * factor).mean()
            return loss, loss + 1, ops.cast(loss, ms.float16) + 2

    ms.set_context(mode=ms.GRAPH_MODE)
    assert linear_step().run(rows(1.0)).parts == {}
    unnamed = TrainStep(Parts(), lr=np.ones(1), optimizer=SGD, parts=("box",))
    assert unnamed.run(rows(1.0)).parts == {"box": 1.0, "part2": 2.0}


def test_settings_are_checked() -> None:
    with pytest.raises(UserError, match=r"loss_scale\.backoff"):
        linear_step(loss_scale=LossScaleConfig(mode="dynamic", backoff=2.0))
    with pytest.raises(UserError, match=r"optimizer\.momentum"):
        linear_step(optimizer=OptimizerConfig(momentum=2.0))
