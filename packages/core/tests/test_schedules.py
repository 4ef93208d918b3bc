"""Learning-rate curves against stored ones, their formulas and their limits."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.errors import UserError
from ms_core.schedules import (
    ScheduleConfig,
    Warmup,
    constant,
    cosine,
    learning_rates,
    linear,
    multi_step,
    polynomial,
)

SSD = ScheduleConfig(lr=0.05, lr_init=0.001, lr_end=5e-5, warmup_epochs=2)


@pytest.mark.parametrize("steps_per_epoch", [10, 458])
def test_cosine_equals_the_old_ssd_schedule(shared: Path, steps_per_epoch: int) -> None:
    golden = np.load(shared / "golden" / "ssd" / "ssd300.npz")
    key = f"lr_{steps_per_epoch}"
    arguments = json.loads(str(golden[f"{key}_kwargs"]))
    assert (arguments["lr_max"], arguments["lr_init"], arguments["lr_end"]) == (
        SSD.lr,
        SSD.lr_init,
        SSD.lr_end,
    )
    rates = learning_rates(SSD, epochs=arguments["total_epochs"], steps_per_epoch=steps_per_epoch)
    assert rates.dtype == np.float32
    assert len(rates) == golden[f"{key}_len"]
    np.testing.assert_array_equal(rates[golden[f"{key}_idx"]], golden[f"{key}_val"])
    assert rates.astype(np.float64).sum() == golden[f"{key}_sum"]


def test_published_values_of_the_cosine() -> None:
    """facts/ssd.md section 5, 458 steps an epoch; the other two families."""
    fpn = learning_rates(
        ScheduleConfig(lr=0.05, lr_init=0.01333, warmup_epochs=2), epochs=500, steps_per_epoch=458
    )
    lite = learning_rates(
        ScheduleConfig(lr=0.4, lr_init=0.01333, warmup_epochs=4), epochs=500, steps_per_epoch=458
    )
    steps = [0, 1, 458, 916, 1832, 57250, 228999]
    np.testing.assert_allclose(
        fpn[steps],
        [0.0133300005, 0.0133700324, 0.0316650011, 0.0500000007, 0.0499980114, 0.0428441539, 2.37148e-12],
        rtol=2e-6,
    )
    np.testing.assert_allclose(
        lite[steps],
        [0.0133300005, 0.0135410642, 0.1099975035, 0.2066649944, 0.4000000060, 0.3440828919, 1.91252e-11],
        rtol=2e-6,
    )


def test_each_curve() -> None:
    np.testing.assert_array_equal(constant(0.5, 3), np.float32([0.5, 0.5, 0.5]))
    np.testing.assert_allclose(linear(1.0, 4, 0.2), [1.0, 0.8, 0.6, 0.4], rtol=1e-6)
    np.testing.assert_allclose(polynomial(1.0, 4, 0.0, 2.0), [1, 0.5625, 0.25, 0.0625], rtol=1e-6)
    np.testing.assert_allclose(cosine(1.0, 4), [1, 0.8535534, 0.5, 0.1464466], rtol=1e-6)
    np.testing.assert_allclose(multi_step(1.0, 5, [2, 4], 0.1), [1, 1, 0.1, 0.1, 0.01], rtol=1e-6)


@pytest.mark.parametrize("name", ["constant", "linear", "cosine", "polynomial", "multi-step"])
def test_warmup_leads_every_curve(name: str) -> None:
    config = ScheduleConfig(
        name=name, lr=1.0, lr_init=0.2, warmup_steps=1, warmup_epochs=1.5, milestones=(3,)
    )
    rates = learning_rates(config, epochs=5, steps_per_epoch=2)
    np.testing.assert_allclose(rates[:5], [0.2, 0.4, 0.6, 0.8, 1.0], rtol=1e-6)
    assert len(rates) == 10


def test_milestones_are_epochs() -> None:
    config = ScheduleConfig(name="multi-step", lr=1.0, milestones=(1, 1.5), gamma=0.5)
    np.testing.assert_array_equal(
        learning_rates(config, epochs=2, steps_per_epoch=4), np.float32([1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25])
    )


def test_milestones_in_steps_do_not_know_epochs() -> None:
    config = ScheduleConfig(name="multi-step", lr=1.0, milestone_steps=(2, 5), gamma=0.5)
    expected = np.float32([1, 1, 0.5, 0.5, 0.5, 0.25])
    for steps_per_epoch in (1, 4):
        rates = learning_rates(config, epochs=1, steps_per_epoch=steps_per_epoch, iterations=6)
        np.testing.assert_array_equal(rates, expected)


def test_milestones_in_steps_and_in_epochs_add_up() -> None:
    config = ScheduleConfig(name="multi-step", lr=1.0, milestones=(1,), milestone_steps=(1, 3), gamma=0.5)
    np.testing.assert_array_equal(
        learning_rates(config, epochs=2, steps_per_epoch=2), np.float32([1, 0.5, 0.25, 0.125])
    )


def test_all_batches_of_an_update_have_its_rate() -> None:
    config = ScheduleConfig(
        name="multi-step", lr=1.0, warmup_steps=2, milestones=(2,), milestone_steps=(3,), gamma=0.5
    )
    updates = learning_rates(config, epochs=1, steps_per_epoch=2, iterations=5)
    batches = learning_rates(config, epochs=1, steps_per_epoch=6, iterations=5, accumulate=3)
    np.testing.assert_array_equal(batches, np.repeat(updates, 3))
    assert len(learning_rates(config, epochs=2, steps_per_epoch=5, accumulate=4)) == 10


def test_a_warmup_by_a_factor_that_multi_step_does_not_wait_for() -> None:
    """The base stage of DeFRCN: a thousandth of the rate grows for 1000 steps, milestones count from step 0."""
    config = ScheduleConfig(
        name="multi-step", lr=0.02, lr_init=0.02 * 0.001, warmup_steps=1000, milestone_steps=(1500,)
    )
    rates = learning_rates(config, epochs=1, steps_per_epoch=1, iterations=2000)
    grown = 0.02 * (0.001 * (1 - np.arange(1000) / 1000) + np.arange(1000) / 1000)
    np.testing.assert_allclose(rates[:1000], grown, rtol=2e-7)
    np.testing.assert_array_equal(rates[1000:1500], np.float32(0.02))
    np.testing.assert_allclose(rates[1500:], 0.002, rtol=2e-7)


@given(
    total=st.integers(1, 300),
    steps=st.integers(0, 400),
    lr=st.floats(1e-6, 10),
    start=st.floats(0, 1),
    end=st.floats(0, 1),
)
def test_rates_stay_between_their_ends(total: int, steps: int, lr: float, start: float, end: float) -> None:
    rates = cosine(lr, total, end, warmup=Warmup(steps, start))
    assert rates.shape == (total,)
    assert rates.min() >= np.float32(min(start, end, lr)) * (1 - 1e-6)
    assert rates.max() <= np.float32(max(start, end, lr)) * (1 + 1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lr", 0.0),
        ("lr", float("nan")),
        ("lr_init", -1.0),
        ("lr_end", float("inf")),
        ("warmup_steps", -1),
        ("warmup_epochs", -0.5),
        ("gamma", 0.0),
        ("power", -2.0),
        ("milestones", (3.0, 2.0)),
        ("milestones", (0.0,)),
        ("milestone_steps", (3, 3)),
        ("milestone_steps", (0, 3)),
    ],
)
def test_a_value_out_of_range_is_named(field: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"schedule\.{field}: "):
        learning_rates(ScheduleConfig(**{field: value}), epochs=1, steps_per_epoch=1)


def test_multi_step_needs_milestones_and_a_run_needs_steps() -> None:
    with pytest.raises(UserError, match="milestones"):
        learning_rates(ScheduleConfig(name="multi-step"), epochs=1, steps_per_epoch=1)
    with pytest.raises(UserError, match="at least one step"):
        learning_rates(ScheduleConfig(), epochs=3, steps_per_epoch=0)


def test_iterations_count_instead_of_epochs() -> None:
    config = ScheduleConfig(name="polynomial", lr=1.0)
    np.testing.assert_allclose(
        learning_rates(config, epochs=9, steps_per_epoch=3, iterations=4), [1, 0.75, 0.5, 0.25]
    )


def test_the_schedules_of_segformer(shared: Path) -> None:
    """Numbers of the formulas of MMSegmentation (poly, warmup over the curve) and of the old zoo."""
    golden = np.load(shared / "golden" / "segformer" / "golden_lr.npz")
    official = ScheduleConfig(
        name="polynomial", lr=6e-5, lr_init=6e-11, warmup_steps=1500, warmup_over_curve=True
    )
    rates = learning_rates(official, epochs=1, steps_per_epoch=371, iterations=160_000)
    np.testing.assert_allclose(rates[golden["nv_steps"]], golden["nv_poly_160k"], rtol=2e-6)
    old = ScheduleConfig(name="constant", lr=6e-5, warmup_steps=1500)
    rates = learning_rates(old, epochs=200, steps_per_epoch=1487)
    assert len(rates) == golden["zoo_total"]
    np.testing.assert_allclose(rates[golden["zoo_steps"]], golden["zoo_warmup1500"], rtol=2e-6)


def test_a_warmup_over_the_curve_without_steps_changes_nothing() -> None:
    config = ScheduleConfig(name="cosine", lr=1.0, warmup_over_curve=True)
    plain = learning_rates(ScheduleConfig(name="cosine", lr=1.0), epochs=2, steps_per_epoch=5)
    np.testing.assert_array_equal(learning_rates(config, epochs=2, steps_per_epoch=5), plain)
