"""Choosing rows by index, rank and overlap; suppression is the same box for box."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.export.mindir import export_mindir
from ms_core.export.onnx.writer import OnnxFile, write_onnx
from ms_core.export.verify import network_outputs
from ms_core.export.verify_onnx import run_onnx
from ms_core.networks.pairwise_iou import PairwiseIou

Check = Callable[..., OnnxFile]


def chosen(x: Tensor, index: Tensor, columns: Tensor) -> Any:
    best, place = ops.topk(x, 3)
    least, where = ops.topk(x, 2, 0, False)
    ordered, order = ops.sort(x, 0, True)
    return (
        ops.gather(x, index, 0),
        ops.gather(x, index, -1),
        ops.gather(x, index.reshape((2, 1)), 1),
        ops.gather_elements(x, 1, columns),
        ops.gather_nd(x, columns[:, :2]),
        best,
        place,
        least,
        where,
        ordered,
        order,
        ops.one_hot(index, 5, Tensor(2.0), Tensor(-1.0)),
    )


def test_rows(check: Check, rng: np.random.Generator) -> None:
    index, columns = np.array([2, 0], np.int32), np.array([[1, 0], [2, 4], [3, 3], [0, 1]], np.int32)
    check(chosen, rng.standard_normal((4, 5), np.float32), index, columns)


class Suppression(nn.Cell):
    """Boxes with scores in any order, and the same with falling constants as scores."""

    def __init__(self, count: int, threshold: float) -> None:
        super().__init__()
        self.nms = ops.NMSWithMask(threshold)
        self.falling = Tensor(np.arange(count, 0, -1, dtype=np.float32).reshape(-1, 1))

    def construct(self, rows: Tensor) -> tuple[Tensor, ...]:
        boxes, places, stays = self.nms(rows)
        return boxes, places, stays, self.nms(ops.concat((rows[:, :4], self.falling), 1))[2]


def boxes(rng: np.random.Generator, count: int, size: float) -> np.ndarray:
    """[count, 5]: x0 y0 x1 y1 score, scores all different; some boxes empty, some twice."""
    corners = rng.uniform(0, 300, (count, 2))
    rows = np.concatenate([corners, corners + rng.uniform(0, size, (count, 2)), np.zeros((count, 1))], 1)
    rows[::17, 2:4] = rows[::17, :2]
    rows[5::23, :4] = rows[4::23, :4][: len(rows[5::23])]
    rows[:, 4] = rng.permutation(count) / count
    return rows.astype(np.float32)


@pytest.mark.parametrize("threshold", [0.3, 0.7])
def test_suppression_is_equal(tmp_path: Path, rng: np.random.Generator, threshold: float) -> None:
    network = Suppression(120, threshold)
    mindir = export_mindir(network, (120, 5), tmp_path / "nms.mindir")
    names = ["boxes", "places", "stays", "constant"]
    file = write_onnx(mindir, tmp_path / "nms.onnx", inputs=["rows"], outputs=names)
    assert file.operators["TopK"] == 1, "falling constants need no sorting"
    dropped = 0
    for size in (20, 80, 200, 200, 200):
        rows = boxes(rng, 120, size)
        expected, found = network_outputs(network, [rows]), run_onnx(file.path, rows)
        for ours, theirs in zip(expected, found, strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(theirs, ours)
        dropped += int((~found[2]).sum())
    assert dropped > 20


@pytest.mark.parametrize("fused", [True, False])
def test_overlaps(check: Check, rng: np.random.Generator, fused: bool) -> None:
    first, second = boxes(rng, 30, 200)[:, :4], boxes(rng, 20, 200)[:, :4]
    check(PairwiseIou(fused), first, second, tolerance=1e-6)


def test_overlaps_that_count_border_pixels(check: Check, rng: np.random.Generator) -> None:
    check(ops.IOU(), boxes(rng, 30, 20)[:, :4], boxes(rng, 20, 20)[:, :4], tolerance=1e-6)
