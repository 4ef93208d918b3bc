"""Settings of the loss scale; its behaviour in a step is tested in train/test_step.py."""

import pytest
from ms_core.errors import UserError
from ms_core.loss_scale import LossScaleConfig, check


@pytest.mark.parametrize(("precision", "mode"), [("fp16", "dynamic"), ("bf16", "none"), ("off", "none")])
def test_auto_follows_the_precision(precision: str, mode: str) -> None:
    assert LossScaleConfig().resolve(precision).mode == mode


def test_a_chosen_mode_stays() -> None:
    chosen = LossScaleConfig(mode="static", scale=1024)
    assert chosen.resolve("fp16") is chosen


@pytest.mark.parametrize(
    ("field", "value"),
    [("scale", 0.5), ("scale", float("inf")), ("growth", 1.0), ("growth_interval", 0), ("backoff", 1.0)],
)
def test_a_value_out_of_range_is_named(field: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"loss_scale\.{field}: {value}"):
        check(LossScaleConfig(**{field: value}))
