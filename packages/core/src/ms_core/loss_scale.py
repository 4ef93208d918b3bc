"""How the loss is scaled before the backward pass, so that small fp16 gradients do not vanish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ms_core.errors import UserError


@dataclass(frozen=True)
class LossScaleConfig:
    """Whatever the mode, a step with a non-finite gradient is skipped and changes nothing."""

    mode: Literal["auto", "none", "static", "dynamic"] = "auto"
    """static: always `scale`; dynamic: adapted to overflows; auto: dynamic with fp16, else none."""
    scale: float = 65536.0
    """Factor of a static, first factor of a dynamic scale, >= 1."""
    growth: float = 2.0
    """A dynamic scale is multiplied by this after `growth_interval` finite steps, > 1."""
    growth_interval: int = 2000
    """Finite steps in a row after which a dynamic scale grows, >= 1."""
    backoff: float = 0.5
    """A dynamic scale is multiplied by this on overflow (never below 1), between 0 and 1."""

    def resolve(self, precision: str) -> LossScaleConfig:
        """The same with `auto` decided: dynamic where the network computes in fp16, otherwise none."""
        if self.mode != "auto":
            return self
        return replace(self, mode="dynamic" if precision == "fp16" else "none")


def check(config: LossScaleConfig) -> None:
    """Raise UserError, naming the field, where a value is out of its range."""
    ranges = {
        "scale": 1.0 <= config.scale <= 2.0**31,
        "growth": config.growth > 1.0,
        "growth_interval": config.growth_interval >= 1,
        "backoff": 0.0 < config.backoff < 1.0,
    }
    for field, within in ranges.items():
        if not within:
            raise UserError(f"loss_scale.{field}: {getattr(config, field)} is out of range.")
