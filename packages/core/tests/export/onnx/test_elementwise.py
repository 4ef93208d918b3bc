"""Operators that compute each element by itself, with broadcasting, plain numbers and every type they occur in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, mint, nn, ops
from ms_core.export.onnx.writer import OnnxFile

Check = Callable[..., OnnxFile]


def unary(x: Tensor) -> Any:
    positive = ops.abs(x) + 0.1
    return (
        ops.abs(x),
        ops.ceil(x),
        ops.erf(x),
        ops.exp(x),
        ops.floor(x),
        ops.log(positive),
        ops.neg(x),
        ops.relu(x),
        ops.relu6(x),
        ops.reciprocal(positive),
        ops.round(x),
        ops.sigmoid(x),
        ops.sign(x),
        ops.sqrt(positive),
        ops.rsqrt(positive),
        ops.square(x),
        ops.silu(x),
        ops.hardswish(x),
        ops.hardsigmoid(x),
        ops.gelu(x, approximate="tanh"),
        ops.gelu(x, approximate="none"),
        ops.logical_not(x > 0),
    )


def test_one_operand(check: Check) -> None:
    numbers = np.concatenate([np.linspace(-7, 7, 57), [0.5, 1.5, 2.5, -0.5, -1.5, 0]]).astype(np.float32)
    check(unary, numbers.reshape(7, 9), tolerance=1e-5)


def test_tanh(check: Check) -> None:
    check(
        ops.Tanh(), np.linspace(-7, 7, 57, dtype=np.float32), tolerance=2e-4
    )  # MindSpore's own is that far off


def binary(x: Tensor, y: Tensor) -> Any:
    return (
        x + y,
        x - y,
        x * y,
        x / y,
        ops.maximum(x, y),
        ops.minimum(x, y),
        ops.pow(ops.abs(x), y),
        ops.floor_div(x, y),
        mint.add(x, y, alpha=3),
        mint.sub(x, y, alpha=0.5),
        x == y,
        x != y,
        x > y,
        x >= y,
        x < y,
        x <= y,
        ops.logical_and(x > 0, y > 0),
        ops.logical_or(x > 0, y > 0),
        ops.logical_xor(x > 0, y > 0),
    )


def test_two_operands(check: Check, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 4), np.float32)
    y = rng.standard_normal((3, 1), np.float32)
    y[2] = x[0, 2, 1]  # equal somewhere
    check(binary, x, y, tolerance=1e-5)


def with_numbers(x: Tensor) -> Any:
    return (
        x + 2,
        2 - x,
        x * 0.5,
        x / 3,
        1 / (x * x + 1),
        x**2,
        x > 0.25,
        x >= 1,
        x < 1,
        x <= 0.25,
        x == 1,
        x != 1,
        ops.clamp(x, -0.5, 0.75),
        ops.clamp(x, min=0.1),
        mint.clamp(x, max=0.2),
        ops.clip_by_value(x, Tensor(-0.3), Tensor(0.3)),
        ops.zeros_like(x) + ops.ones_like(x),
        ops.masked_fill(x, x > 0, -9.0),
    )


def test_plain_numbers(check: Check, rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 5), np.float32)
    x[0, 0] = 1
    check(with_numbers, x)


def whole(x: Tensor, y: Tensor) -> Any:
    return (
        x + y,
        x * 2,
        x - 1,
        x / 2,
        ops.floor_div(x, y),
        ops.maximum(x, y),
        x > 1,
        x > 0.5,
        x == y,
        ops.abs(x),
    )


def test_whole_numbers(check: Check) -> None:
    x = np.array([-7, -3, 0, 2, 9], np.int32)
    check(whole, x, np.array([2, -2, 5, 2, 4], np.int32))


def chosen(x: Tensor, y: Tensor) -> Any:
    inside = ops.isfinite(x)
    return (
        inside,
        ops.select(inside, x, y),
        ops.select(x > 0, y, ops.zeros_like(y)),
        ops.cast(y, ms.int32),
        ops.cast(y > 0, ms.float32),
        ops.cast(y, ms.bool_),
        y * (y > 0),
    )


def test_choices_and_types(check: Check) -> None:
    x = np.array([1, np.inf, -np.inf, np.nan, -2.5], np.float32)
    check(chosen, x, np.array([0.9, -0.9, 2.5, 0, -3], np.float32))


class Pixels(nn.Cell):
    """What a graph does with a picture that it normalises itself."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = Tensor(np.array([123.7, 116.3, 103.5], np.float32))

    def construct(self, pixels: Tensor) -> Tensor:
        x = (ops.cast(pixels, ms.float32) - self.mean) / 58.4
        return x.transpose((0, 3, 1, 2))


def test_normalisation_of_pixels(check: Check, rng: np.random.Generator) -> None:
    check(Pixels(), rng.integers(0, 256, (2, 5, 4, 3), dtype=np.uint8))
    check(Pixels(), rng.integers(0, 256, (4, 5, 4, 3), dtype=np.uint8), free=True, batches=(1, 4))
