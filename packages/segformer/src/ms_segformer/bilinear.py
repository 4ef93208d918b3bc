"""Bilinear resizing on half-pixel centres, made of matrix products."""

from __future__ import annotations

from mindspore import Tensor, ops
from mindspore import dtype as mstype


def resize_bilinear(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize maps as PyTorch's bilinear `interpolate` does with align_corners=False (no low-pass filter).

    Interpolation is linear in each direction, so it is a product with one small matrix a direction. Gradients are
    products too, which makes both directions together faster than `ops.interpolate` on a CPU, and sizes may be unknown
    until the graph runs.

    Args:
        x: [B, C, h, w], a float type.
        size: (H, W) to resize to, >= 1.

    Returns:
        [B, C, H, W] of the same type.
    """
    return sum_resized((x,), size)


def sum_resized(maps: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
    """The sum of maps of any sizes, each resized to `size`; faster than resizing one after the other.

    Args:
        maps: [B, C, h_i, w_i] each, of one float type.
        size: (H, W).

    Returns:
        [B, C, H, W].
    """
    height, width = size
    batch, channels = maps[0].shape[:2]
    rows: tuple[Tensor, ...] = ()  # widened maps [B * C, h_i, W], one below the other
    mixing: tuple[Tensor, ...] = ()  # [H, h_i] each, side by side
    for x in maps:
        h, w = x.shape[2:]
        widened = ops.matmul(x.reshape((-1, w)), interpolation_matrix(w, width, x.dtype).swapaxes(0, 1))
        rows = (*rows, widened.reshape((batch * channels, h, width)))
        mixing = (*mixing, interpolation_matrix(h, height, x.dtype))
    matrix = ops.concat(mixing, 1) if len(maps) > 1 else mixing[0]
    stacked = ops.concat(rows, 1) if len(maps) > 1 else rows[0]
    return ops.matmul(matrix, stacked).reshape((batch, channels, height, width))


def interpolation_matrix(length: int, resized: int, dtype: mstype.Type = mstype.float32) -> Tensor:
    """[resized, length]: the share of each of `length` samples in each of `resized` interpolated ones; rows sum to 1.

    Sample i covers [i, i + 1) of the line; beyond the centres of the first and the last one they are repeated.
    """
    step = length / resized
    centre = (ops.arange(resized).astype(mstype.float32) + 0.5) * step - 0.5
    centre = ops.minimum(ops.maximum(centre, 0.0), length - 1.0)
    sample = ops.arange(length).astype(mstype.float32)
    distance = ops.abs(centre.expand_dims(1) - sample.expand_dims(0))
    return ops.maximum(1.0 - distance, 0.0).astype(dtype)
