"""Operators that move elements, with lengths known and free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from ms_core.export.onnx.writer import OnnxFile

Check = Callable[..., OnnxFile]


def moves(x: Tensor) -> Any:
    return (
        x.reshape((4, -1)),
        x.reshape((2, 6, 5)).reshape((5, 12)),
        x.expand_dims(-2),
        x[:1].squeeze(0),
        x.flatten(start_dim=1),
        x.transpose((2, 0, 1)),
        x.swapaxes(-1, 0),
        ops.concat((x, x * 2), -1),
        ops.stack((x, x * 2, x * 3), -1),
        ops.stack((x, x), 0),
        ops.split(x, 2, 1)[1],
        ops.split(x, (1, 3, 1), -1)[1],
        ops.tile(x, (2, 1, 3)),
        ops.tile(x, (2, 1, 1, 1)),
        ops.broadcast_to(x[:, :1], (3, 4, 5)),
        ops.broadcast_to(x, (2, -1, 4, 5)),
    )


def slices(x: Tensor) -> Any:
    return (
        x[0],
        x[-1, 1:],
        x[..., :2],
        x[..., -1],
        x[:, 1:-1, ::2],
        x[:, -2:],
        x[:, None, 1],
        x[1:2, ..., 3:],
        x[:, 0:100],
        ops.strided_slice(x, (2, 3, 4), (0, 0, -6), (-1, -1, -2)),
        ops.slice(x, (1, 0, 2), (1, 4, 3)),
        ops.narrow(x, 2, 1, 3),
    )


def test_moves(check: Check, rng: np.random.Generator) -> None:
    check(moves, rng.standard_normal((3, 4, 5), np.float32))


def test_slices(check: Check, rng: np.random.Generator) -> None:
    check(slices, rng.standard_normal((3, 4, 5), np.float32))


class Levels(nn.Cell):
    """What detectors and transformers do with shapes, at any number of pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = Parameter(Tensor(np.random.default_rng(1).standard_normal((6, 4), np.float32)))
        self.product = ops.BatchMatMul()
        self.product_t = ops.BatchMatMul(transpose_a=True, transpose_b=True)

    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        batch, channels, height, width = x.shape
        rows = ops.reshape(x.transpose((0, 2, 3, 1)), (batch, -1, 2))  # two unknown lengths, for MindSpore
        joined = ops.concat((rows, rows[:, :3]), 1)
        tokens = x.reshape((batch, channels, height * width))
        weights = ops.broadcast_to(self.weight.expand_dims(0), (batch, 6, 4))
        merged = x.reshape((batch * channels, height, width)) + 1
        mapped = self.product(weights, tokens)
        back = self.product_t(tokens, weights)
        repeated = ops.broadcast_to(x[:, :1], (batch, 3, height, width))
        again = ops.tile(x[:1], (batch, 1, 1, 1))
        filler = ops.zeros_like(x) + ops.ones_like(joined[:, :1, :1]).reshape((batch, 1, 1, 1))
        return joined, mapped, back, merged.reshape((batch, channels, height, width)), repeated, again, filler


def test_any_number_of_pictures(check: Check, rng: np.random.Generator) -> None:
    maps = rng.standard_normal((5, 4, 3, 2), np.float32)
    file = check(Levels(), maps, free=True, batches=(1, 2, 5), tolerance=1e-5)
    fixed = check(Levels(), maps, tolerance=1e-5)
    assert "Shape" not in fixed.operators
    assert file.operators["Reshape"] <= fixed.operators["Reshape"] + 1, (
        "lengths are not computed where they follow"
    )
    assert file.operators["MatMul"] == 2


def folded(x: Tensor) -> Any:
    grid = ops.arange(4).astype(x.dtype).expand_dims(1) * ops.ones((1, 3), x.dtype)
    return x + grid, ops.tile(grid, (2, 1))


def test_what_is_constant_is_computed_once(check: Check, rng: np.random.Generator) -> None:
    file = check(folded, rng.standard_normal((4, 3), np.float32))
    assert file.operators == {"Add": 1, "Identity": 1}
