"""Offsets of boxes: inverse of one another, limits, and detectron2's numbers."""

from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from ms_defrcn.anchors import AnchorGrid
from ms_defrcn.box_coding import ROI_WEIGHTS, RPN_WEIGHTS, clip, decode, encode

GOLDEN = Path(__file__).parent / "golden" / "proposals.npz"


def test_decoded_anchors_are_those_of_detectron2() -> None:
    golden = np.load(GOLDEN)
    anchors = AnchorGrid()(Tensor(np.zeros((1, 1, 16, 20), np.float32)))
    boxes = decode(anchors, Tensor(golden["deltas"]), RPN_WEIGHTS).asnumpy()[::8]
    side = (golden["decoded"][:, 2:] - golden["decoded"][:, :2]).max(axis=1, keepdims=True)
    assert (np.abs(boxes - golden["decoded"]) / side).max() < 5e-6  # MindSpore's exp is off by 3.8e-6


@pytest.mark.parametrize("weights", [RPN_WEIGHTS, ROI_WEIGHTS])
def test_decode_inverts_encode(weights: tuple[float, float, float, float]) -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 1000, (2, 2000, 2))
    sides = rng.uniform(8, 400, (2, 2000, 2))  # growth of less than 62.5 times, the limit
    references, boxes = np.concatenate((corners, corners + sides), axis=-1).astype(np.float32)
    deltas = encode(Tensor(references), Tensor(boxes), weights)
    np.testing.assert_allclose(decode(Tensor(references), deltas, weights).asnumpy(), boxes, atol=5e-3)


def test_growth_is_limited() -> None:
    deltas = Tensor(np.array([[0, 0, 50, -50]], np.float32))
    x0, y0, x1, y1 = decode(Tensor(np.array([[0, 0, 8, 8]], np.float32)), deltas, RPN_WEIGHTS).asnumpy()[0]
    assert x1 - x0 == pytest.approx(8 * 62.5, rel=1e-5)
    assert y1 - y0 == pytest.approx(0, abs=1e-6)


def test_clipping_moves_corners_to_the_border_and_nothing_else() -> None:
    boxes = np.array([[-5, -1, 3.7, 4.2], [10.1, 20.2, 400, 300], [7.3, 8.9, 9.1, 99.99]], np.float32)
    clipped = clip(Tensor(boxes), Tensor(np.array([100, 50], np.float32))).asnumpy()
    np.testing.assert_array_equal(clipped, np.clip(boxes, 0, np.array([50, 100, 50, 100], np.float32)))
