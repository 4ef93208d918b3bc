"""Convolutions, pooling, normalisations and resizing of maps: odd sizes, every padding, groups, dilation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops
from ms_core.export.onnx.writer import OnnxFile

Check = Callable[..., OnnxFile]


class Convolutions(nn.Cell):
    """Each with another padding, stride, dilation or number of groups."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.CellList(
            [
                nn.Conv2d(4, 6, 3, 2, pad_mode="same", has_bias=True, bias_init="ones"),
                nn.Conv2d(4, 6, (2, 5), (2, 3), pad_mode="same"),
                nn.Conv2d(4, 6, 3, pad_mode="valid", dilation=2, has_bias=True),
                nn.Conv2d(4, 6, 3, pad_mode="same", dilation=3),
                nn.Conv2d(4, 8, 3, 2, pad_mode="pad", padding=(1, 2, 0, 3), group=2, has_bias=True),
                nn.Conv2d(4, 4, 3, pad_mode="pad", padding=1, group=4),
            ]
        )

    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        results: tuple[Tensor, ...] = ()
        for layer in self.layers:
            results = (*results, layer(x))
        return results


def test_convolutions(check: Check, rng: np.random.Generator) -> None:
    file = check(Convolutions(), rng.standard_normal((2, 4, 11, 14), np.float32), tolerance=1e-5)
    assert file.operators == {"Conv": 6}, "a bias is part of its convolution"
    assert file.opset == 13


class Pools(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.same = nn.MaxPool2d(2, 2, pad_mode="same")
        self.uneven = nn.MaxPool2d((3, 2), (1, 3), pad_mode="same")
        self.valid = nn.MaxPool2d(3, 2, pad_mode="valid")
        self.padded = nn.MaxPool2d(3, 2, pad_mode="pad", padding=1)
        self.mean = nn.AvgPool2d(3, 2, pad_mode="same")
        self.inner_mean = nn.AvgPool2d(2, 2, pad_mode="valid")

    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.same(x), self.uneven(x), self.valid(x), self.padded(x), self.mean(x), self.inner_mean(x)


def test_pooling(check: Check, rng: np.random.Generator) -> None:
    maps = rng.standard_normal((2, 3, 11, 14), np.float32) - 5  # padding counts as nothing, not as 0
    file = check(Pools(), maps)
    assert file.operators["MaxPool"] == 4
    assert file.operators["AveragePool"] == 2


class Norms(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(6, eps=1e-3, moving_mean_init="normal", gamma_init="uniform")
        self.layer = nn.LayerNorm((6,), epsilon=1e-6, gamma_init="uniform", beta_init="normal")
        self.plane = nn.LayerNorm((5, 7), begin_norm_axis=2, begin_params_axis=2)
        self.length = ops.L2Normalize(1, 1e-4)

    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.batch(x), self.layer(x.transpose((0, 2, 3, 1))), self.plane(x), self.length(x)


def test_normalisations(check: Check, rng: np.random.Generator) -> None:
    file = check(Norms(), rng.standard_normal((2, 6, 5, 7), np.float32), tolerance=1e-5)
    assert "LayerNormalization" not in file.operators, "MindSpore Lite's converter misreads it"


class Resizes(nn.Cell):
    def construct(self, x: Tensor) -> tuple[Tensor, ...]:
        return (
            ops.interpolate(x, size=(13, 9), mode="bilinear", align_corners=False),
            ops.interpolate(x, size=(13, 9), mode="bilinear", align_corners=True),
            ops.interpolate(x, size=(3, 4), mode="bilinear", align_corners=False),
            ops.interpolate(x, size=(1, 14), mode="bilinear", align_corners=True),
            ops.ResizeBilinearV2()(x, (10, 14)),
            ops.interpolate(x, size=(13, 20), mode="nearest"),
            ops.interpolate(x, size=(3, 5), mode="nearest"),
            ops.ResizeNearestNeighbor((9, 4), align_corners=True)(x),
        )


def test_resizing_on_both_grids(check: Check, rng: np.random.Generator) -> None:
    file = check(Resizes(), rng.standard_normal((2, 3, 5, 7), np.float32), tolerance=1e-5)
    assert "Resize" not in file.operators, "MindSpore Lite's converter misreads it"


def test_padding(check: Check, rng: np.random.Generator) -> None:
    check(pads, rng.standard_normal((1, 2, 3, 4), np.float32))


def pads(x: Tensor) -> Any:
    return (
        ops.pad(x, (1, 2)),
        ops.pad(x, (1, 0, 3, 2), "constant", 2.5),
        ops.Pad(((0, 0), (0, 1), (2, 0), (0, 0)))(x),
    )
