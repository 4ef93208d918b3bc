"""Overlaps in graphs against those on the host."""

import numpy as np
import pytest
from mindspore import Tensor
from ms_core.detection.boxes import box_iou
from ms_core.networks.pairwise_iou import PairwiseIou


def _some_boxes(count: int, seed: int) -> np.ndarray:
    """float32 [count, 4] of all sizes, within a square of 800 pixels; some overlap much."""
    rng = np.random.default_rng(seed)
    centre, size = rng.uniform(0, 800, (count, 2)), np.exp(rng.uniform(0, 6, (count, 2)))
    boxes = np.concatenate((centre - size / 2, centre + size / 2), axis=1)
    return boxes.clip(0, 800).astype(np.float32)


@pytest.mark.parametrize("fused", [True, False])
def test_overlaps_are_those_of_the_host(fused: bool) -> None:
    first, second = _some_boxes(60, seed=0), _some_boxes(50, seed=1)
    second[:5] = first[:5]  # equal boxes
    second[5:10, 2:] = second[5:10, :2]  # and empty ones
    iou = PairwiseIou(fused)(Tensor(first), Tensor(second)).asnumpy()
    np.testing.assert_array_equal(iou, box_iou(second, first))
