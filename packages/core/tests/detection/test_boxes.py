"""Conversions and overlaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ms_core.detection import boxes as b
from ms_core.detection.detections import Detections


def corners(most: int = 6) -> st.SearchStrategy[np.ndarray]:
    raw = hnp.arrays(np.float64, st.tuples(st.integers(1, most), st.just(4)), elements=st.integers(0, 50))
    return raw.map(
        lambda c: np.concatenate((np.minimum(c[:, :2], c[:, 2:]), np.maximum(c[:, :2], c[:, 2:])), axis=1)
    )


@given(corners())
def test_conversions_come_back(boxes: np.ndarray) -> None:
    np.testing.assert_array_equal(b.xywh_to_xyxy(b.xyxy_to_xywh(boxes)), boxes)
    np.testing.assert_allclose(b.centre_to_corners(b.corners_to_centre(boxes)), boxes)
    np.testing.assert_array_equal(b.swap_xy(b.swap_xy(boxes)), boxes)
    relative = b.pixels_to_relative(boxes.astype(np.float32), 200, 100)
    np.testing.assert_allclose(b.relative_to_pixels(relative, 200, 100), boxes, rtol=1e-6)


def test_relative_puts_y_first() -> None:
    box = np.array([[10, 20, 30, 40]], np.float32)
    np.testing.assert_allclose(b.pixels_to_relative(box, 100, 200), [[0.1, 0.1, 0.2, 0.3]])


@given(corners(), corners(), st.booleans())
def test_iou_counts_pixels(first: np.ndarray, second: np.ndarray, plus_one: bool) -> None:
    """On whole-pixel boxes IoU is a count of shared over covered pixels."""
    extra = int(plus_one)
    for i, x in enumerate(first.astype(int)):
        for j, y in enumerate(second.astype(int)):
            grid = np.zeros((2, 52, 52), bool)
            grid[0, x[1] : x[3] + extra, x[0] : x[2] + extra] = True
            grid[1, y[1] : y[3] + extra, y[0] : y[2] + extra] = True
            expected = grid.all(axis=0).sum() / max(grid.any(axis=0).sum(), 1)
            assert b.box_iou(first, second, plus_one)[i, j] == pytest.approx(expected)


def test_detections_select_and_sort() -> None:
    found = Detections(np.arange(12).reshape(3, 4), np.array([0.2, 0.9, 0.9]), np.array([5, 6, 7]))
    assert found.best(2).labels.tolist() == [6, 7]
    assert found.above(0.2).labels.tolist() == [6, 7]
    assert (found.boxes.dtype, found.scores.dtype, found.labels.dtype) == (np.float32, np.float32, np.int32)
    assert len(Detections.empty()) == 0
    with pytest.raises(ValueError, match="2 boxes, 1 scores"):
        Detections(np.zeros((2, 4)), np.zeros(1), np.zeros(2))
