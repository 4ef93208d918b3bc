"""Linear scaling to another batch size, and how steps are counted."""

from dataclasses import replace

import numpy as np
import pytest
from ms_core.schedules import ScheduleConfig, learning_rates
from ms_core.train.config import TrainConfig
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.lr_scaling import linearly_scaled, scaled_for_devices

COCO_BASE = DeFRCNConfig(
    schedule=ScheduleConfig(
        name="multi-step", lr=0.02, lr_init=2e-5, warmup_steps=1000, milestone_steps=(85_000, 100_000)
    ),
    train=TrainConfig(iterations=110_000, batch_size=16),
)


def with_batch(batch_size: int, accumulate: int = 1) -> DeFRCNConfig:
    return replace(COCO_BASE, train=replace(COCO_BASE.train, batch_size=batch_size, accumulate=accumulate))


def rates_of(config: DeFRCNConfig) -> np.ndarray:
    return learning_rates(config.schedule, epochs=1, steps_per_epoch=1, iterations=config.train.iterations)


def test_a_quarter_of_the_images_takes_a_quarter_of_the_rate_and_four_times_the_updates() -> None:
    scaled, line = linearly_scaled(with_batch(4))
    assert scaled.schedule.lr == pytest.approx(0.005)
    assert scaled.schedule.lr_init == pytest.approx(5e-6)
    assert scaled.schedule.warmup_steps == 4000
    assert scaled.schedule.milestone_steps == (340_000, 400_000)
    assert scaled.train.iterations == 440_000
    assert line == (
        "linear scaling from 16 to 4 images an update: lr 0.02 -> 0.005, warmup 1000 -> 4000, "
        "milestones 85000 100000 -> 340000 400000, iterations 110000 -> 440000"
    )


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "devices"), [(16, 1, 1), (2, 8, 1), (2, 1, 8), (2, 2, 4)]
)
def test_sixteen_images_an_update_change_nothing_however_they_come_about(
    batch_size: int, accumulate: int, devices: int
) -> None:
    config = with_batch(batch_size, accumulate)
    scaled, line = linearly_scaled(config, devices)
    assert scaled == config
    assert line == "linear scaling from 16 to 16 images an update: nothing changes"


def test_devices_are_those_that_were_started(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    for name in ("MS_ROLE", "MS_WORKER_NUM", "MS_NODE_ID", "RANK_ID", "RANK_TABLE_FILE", "RANK_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert scaled_for_devices(with_batch(2), said.append).schedule.lr == pytest.approx(0.0025)
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setenv("MS_WORKER_NUM", "4")
    assert scaled_for_devices(with_batch(2), said.append).schedule.lr == pytest.approx(0.01)
    assert [line.split(":")[0] for line in said] == [
        "linear scaling from 16 to 2 images an update",
        "linear scaling from 16 to 8 images an update",
    ]


def test_scaling_back_gives_the_recipe() -> None:
    small, _ = linearly_scaled(with_batch(4))
    back, _ = linearly_scaled(replace(small, train=replace(small.train, batch_size=16)), reference=4)
    assert back.schedule.milestone_steps == COCO_BASE.schedule.milestone_steps
    assert back.train.iterations == COCO_BASE.train.iterations
    assert back.schedule.lr == pytest.approx(COCO_BASE.schedule.lr)


def test_lengths_in_epochs_stay_and_none_stays_none() -> None:
    config = DeFRCNConfig(
        schedule=ScheduleConfig(name="multi-step", lr=0.02, milestones=(8, 11)),
        train=TrainConfig(epochs=12, batch_size=64),
    )
    scaled, line = linearly_scaled(config)
    assert scaled == replace(config, schedule=replace(config.schedule, lr=0.08))
    assert line == "linear scaling from 16 to 64 images an update: lr 0.02 -> 0.08"


def test_some_steps_never_become_none() -> None:
    config = replace(with_batch(4096), schedule=replace(COCO_BASE.schedule, warmup_steps=10))
    assert linearly_scaled(config)[0].schedule.warmup_steps == 1


def test_an_update_has_its_rate_however_many_batches_it_takes() -> None:
    published = rates_of(COCO_BASE)
    batches = learning_rates(
        COCO_BASE.schedule, epochs=1, steps_per_epoch=1, iterations=110_000, accumulate=8
    )
    np.testing.assert_array_equal(batches, np.repeat(published, 8))
