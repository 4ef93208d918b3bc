"""Anchors against detectron2's, and of maps whose size is unknown at compilation."""

from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_defrcn.anchors import AnchorGrid, cell_anchors

GOLDEN = Path(__file__).parent / "golden" / "proposals.npz"


def _map(height: int, width: int) -> Tensor:
    return Tensor(np.zeros((2, 3, height, width), np.float32))


def test_anchors_are_those_of_detectron2(mode: str) -> None:
    golden = np.load(GOLDEN)
    grid = AnchorGrid()
    np.testing.assert_array_equal(grid.cell_anchors, golden["cell_anchors"])
    anchors = grid(_map(16, 20)).asnumpy()
    assert anchors.shape == (16 * 20 * 15, 4)
    np.testing.assert_array_equal(anchors[::16], golden["anchors"])


def test_anchors_go_by_row_then_column_then_shape() -> None:
    grid = AnchorGrid(sizes=(4.0, 8.0), ratios=(1.0,), stride=10)
    centres = grid(_map(2, 3)).asnumpy().reshape(2, 3, 2, 2, 2).mean(axis=3)  # [row, column, anchor, (x, y)]
    expected = np.zeros((2, 3, 2, 2))
    expected[..., 0] = np.array([0, 10, 20])[None, :, None]
    expected[..., 1] = np.array([0, 10])[:, None, None]
    np.testing.assert_array_equal(centres, expected)


def test_one_graph_serves_maps_of_any_size(graph_mode: None) -> None:
    grid, known = AnchorGrid(), AnchorGrid()
    grid.set_inputs(Tensor(shape=[2, 3, None, None], dtype=ms.float32))
    for height, width in ((2, 5), (7, 3)):
        expected = known(_map(height, width)).asnumpy()
        np.testing.assert_array_equal(grid(_map(height, width)).asnumpy(), expected)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0, 3.7])
def test_an_anchor_has_the_area_and_the_ratio_asked_for(ratio: float) -> None:
    ((x0, y0, x1, y1),) = cell_anchors([48.0], [ratio]).tolist()
    assert (x1 - x0) * (y1 - y0) == pytest.approx(48.0**2, rel=1e-6)
    assert (y1 - y0) / (x1 - x0) == pytest.approx(ratio, rel=1e-6)
    assert (x0, y0) == (-x1, -y1)
