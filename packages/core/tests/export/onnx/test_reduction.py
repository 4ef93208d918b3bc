"""Operators that take axes together, and matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mindspore import Tensor, mint, ops
from ms_core.export.onnx.writer import OnnxFile

Check = Callable[..., OnnxFile]


def reductions(x: Tensor) -> Any:
    return (
        x.mean(-1),
        x.mean((0, 2), keep_dims=True),
        x.mean(),
        x.sum(1),
        x.sum(),
        ops.ReduceSum(keep_dims=True)(x, (-1, 0)),
        ops.ReduceMax()(x, -2),
        ops.ReduceMin(keep_dims=True)(x, 0),
        ops.ReduceProd()(x, 1),
        mint.mean(x, 1, True),
        mint.sum(x > 0, -1),
        ops.ReduceAll()(x > -1, -1),
        ops.ReduceAny(keep_dims=True)(x > 1, (0, 1)),
        ops.max(x, -1),
        ops.min(x, 0, True),
        ops.argmax(x, 1),
        ops.argmin(x, -1),
        ops.Argmax(-1)(x),
        ops.cumsum(x, -1),
        ops.CumSum(True, True)(x, 1),
        ops.softmax(x, -1),
        ops.softmax(x, 0),
        ops.log_softmax(x, 1),
    )


def flat(results: Any) -> Any:
    """Pairs of values and places as outputs of their own."""
    found: tuple[Tensor, ...] = ()
    for result in results:
        found = found + (result if isinstance(result, tuple) else (result,))
    return found


def test_reductions(check: Check, rng: np.random.Generator) -> None:
    check(flat_reductions, rng.standard_normal((3, 4, 5), np.float32), tolerance=1e-5)


def flat_reductions(x: Tensor) -> Any:
    return flat(reductions(x))


def products(a: Tensor, b: Tensor, c: Tensor) -> Any:
    return (
        ops.matmul(a, b),
        ops.MatMul(transpose_a=True)(a[0], c),
        ops.MatMul(transpose_b=True)(a[0], a[1]),
        ops.BatchMatMul(transpose_a=True)(a, a),
        ops.BatchMatMul(transpose_b=True)(a, a),
        ops.matmul(a[0], b),
        ops.BatchMatMul()(a, ops.broadcast_to(b.expand_dims(0), (2, 4, 6))),
        mint.nn.functional.linear(a, b.T, c[0]),
    )


def test_products(check: Check, rng: np.random.Generator) -> None:
    a, b, c = (rng.standard_normal(shape, np.float32) for shape in ((2, 3, 4), (4, 6), (3, 6)))
    check(products, a, b, c, tolerance=1e-5)
