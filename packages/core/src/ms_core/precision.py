"""Mixed precision: convolutions and matrix products in a 16-bit type, everything delicate in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ms_core.errors import UserError

if TYPE_CHECKING:
    from mindspore import nn

    from ms_core.device import Runtime

Precision = Literal["off", "fp16", "bf16"]


@dataclass(frozen=True)
class PrecisionConfig:
    mode: Literal["auto", "off", "fp16", "bf16"] = "auto"
    """Type of convolutions and matrix products; auto: fp16 on GPU and Ascend, off (float32) on CPU."""


@dataclass(frozen=True)
class AppliedPrecision:
    """What a network computes in after `apply_precision`."""

    mode: Precision
    """The mode with `auto` resolved."""
    cells: int
    """Layers that compute in 16 bits."""
    notice: str | None = None
    """What a person should know before training, if anything."""


def resolve_precision(mode: str, device: str) -> Precision:
    """Decide `auto`, and refuse what the device has no kernels for.

    Args:
        mode: auto | off | fp16 | bf16.
        device: CPU | GPU | Ascend.

    Raises:
        UserError: bf16 on a CPU, or an unknown mode.
    """
    on_cpu = device == "CPU"
    if mode == "auto":
        return "off" if on_cpu else "fp16"
    if mode == "bf16" and on_cpu:
        raise UserError(
            "precision.mode: MindSpore has no bf16 convolution on CPU. Use off, or fp16 to try it out."
        )
    if mode not in ("off", "fp16", "bf16"):
        raise UserError(f"precision.mode: {mode!r} is none of auto, off, fp16, bf16.")
    return mode  # type: ignore[return-value]


def apply_precision(network: nn.Cell, mode: str, runtime: Runtime) -> AppliedPrecision:
    """Let convolutions and dense layers of `network` compute in a 16-bit type; call it before it is compiled.

    Weights stay float32 and are cast where they are used; normalisations take and give float32, and so do cells with
    an attribute `keeps_float32` that is true. Whatever else
    the network does (activations, losses) keeps the type of its input; losses must cast to float32 (ours do).

    Args:
        network: changed in place.
        mode: auto | off | fp16 | bf16.
        runtime: says which device it is for.

    Raises:
        UserError: see `resolve_precision`.
    """
    resolved = resolve_precision(mode, runtime.device)
    if resolved == "off":
        return AppliedPrecision("off", 0)
    cells = _set_types(network, resolved)
    notice = None
    if runtime.device == "CPU":
        notice = "fp16 on CPU works but is slower than float32; it is meant for GPU and Ascend."
    return AppliedPrecision(resolved, cells, notice)


def _set_types(network: nn.Cell, precision: Precision) -> int:
    from mindspore import dtype, nn
    from mindspore.nn.layer.normalization import _BatchNorm

    half = dtype.float16 if precision == "fp16" else dtype.bfloat16
    products = (
        nn.Conv1d,
        nn.Conv2d,
        nn.Conv3d,
        nn.Conv1dTranspose,
        nn.Conv2dTranspose,
        nn.Conv3dTranspose,
        nn.Dense,
    )
    norms = (_BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
    count = 0
    for _, cell in network.cells_and_names():
        if isinstance(cell, products):
            cell.to_float(half)
            count += 1
        elif isinstance(cell, norms) or getattr(cell, "keeps_float32", False):
            cell.to_float(dtype.float32)
    return count
