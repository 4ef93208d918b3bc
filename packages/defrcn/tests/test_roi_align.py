"""RoIAlign against detectron2's numbers and against reading point by point."""

from pathlib import Path

import mindspore as ms
import ms_defrcn.roi_align
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_defrcn.roi_align import RoiAlign

GOLDEN = np.load(Path(__file__).parent / "golden" / "roi_align.npz")
FEATURES = GOLDEN["feat"]
ROIS = GOLDEN["rois"][:, 1:]
PICTURES = GOLDEN["rois"][:, 0].astype(np.int32)
CASES = [(7, 1 / 16), (1, 1 / 32), (14, 1 / 16)]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


class Gradient(nn.Cell):
    """construct(features, rois, batch_index, dy) -> gradient of the features."""

    def __init__(self, roi_align: RoiAlign) -> None:
        super().__init__(auto_prefix=False)
        self.roi_align = roi_align
        self.gradient = ops.GradOperation(sens_param=True)(roi_align)

    def construct(self, features: Tensor, rois: Tensor, batch_index: Tensor, dy: Tensor) -> Tensor:
        return self.gradient(features, rois, batch_index, dy)


@pytest.mark.parametrize("mode", ["pynative", "graph", "graph in chunks", "unknown size"])
@pytest.mark.parametrize(("size", "scale"), CASES)
def test_values_and_gradients_of_detectron2(
    monkeypatch: pytest.MonkeyPatch, size: int, scale: float, mode: str
) -> None:
    """Regions across and outside the border, narrower than a place, without area, and as large as the map."""
    ms.set_context(mode=ms.PYNATIVE_MODE if mode == "pynative" else ms.GRAPH_MODE)
    if mode == "graph in chunks":
        monkeypatch.setattr(ms_defrcn.roi_align, "_CHUNK", 4)
    roi_align = RoiAlign(size, scale)
    gradient = Gradient(roi_align)
    batch = (Tensor(FEATURES), Tensor(ROIS), Tensor(PICTURES))
    dy = Tensor(GOLDEN[f"p{size}_gout"])
    if mode == "unknown size":
        unknown = Tensor(shape=[2, 6, None, None], dtype=ms.float32)
        roi_align.set_inputs(unknown, *batch[1:])
        gradient.set_inputs(unknown, *batch[1:], dy)
    np.testing.assert_allclose(roi_align(*batch).asnumpy(), GOLDEN[f"p{size}"], **CLOSE)
    np.testing.assert_allclose(gradient(*batch, dy).asnumpy(), GOLDEN[f"p{size}_gin"], **CLOSE)


def read_points(line: np.ndarray, low: float, high: float, size: int, scale: float) -> np.ndarray:
    """How much each place of an axis counts in each bin, by the definition: [size, places]."""
    weights = np.zeros((size, len(line)))
    length = max(high - low, 0.0) * scale / size
    points = int(np.ceil(length))
    for bin_ in range(size):
        for point in range(points):
            y = low * scale - 0.5 + bin_ * length + (point + 0.5) * length / points
            if -1 <= y <= len(line):
                y = min(max(y, 0.0), len(line) - 1.0)
                under = min(int(y), len(line) - 2) if len(line) > 1 else 0
                weights[bin_, under] += (1 - (y - under)) / points
                if len(line) > 1:
                    weights[bin_, under + 1] += (y - under) / points
    return weights


def read(features: np.ndarray, roi: np.ndarray, size: int, scale: float) -> np.ndarray:
    """[C, h, w] -> [C, size, size] in float64."""
    across = read_points(features[0, 0, :], roi[0], roi[2], size, scale)
    down = read_points(features[0, :, 0], roi[1], roi[3], size, scale)
    return np.einsum("yh,chw,xw->cyx", down, features.astype(np.float64), across)


@pytest.mark.parametrize("shape", [(3, 25, 38), (2, 1, 9), (2, 7, 1)])
def test_many_regions(shape: tuple[int, int, int]) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    rng = np.random.default_rng(3)
    features = rng.standard_normal(shape).astype(np.float32)
    corners = rng.uniform(-30, 16 * 40, (60, 2, 2))
    rois = np.concatenate((corners.min(1), corners.max(1)), 1).astype(np.float32)
    ours = RoiAlign(7, 1 / 16).of_picture(Tensor(features), Tensor(rois)).asnumpy()
    for region, roi in zip(ours, rois.astype(np.float64), strict=True):
        np.testing.assert_allclose(region, read(features, roi, 7, 1 / 16), atol=2e-5)


@pytest.mark.parametrize(("size", "step"), [(7, 2), (8, 3), (14, 2)])
def test_a_step_leaves_bins_out(size: int, step: int) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    batch = (Tensor(FEATURES), Tensor(ROIS), Tensor(PICTURES))
    every = RoiAlign(size, 1 / 16)(*batch).asnumpy()
    some = RoiAlign(size, 1 / 16, step)(*batch).asnumpy()
    np.testing.assert_allclose(some, every[:, :, ::step, ::step], atol=1e-6)


def test_reading_in_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    roi_align, features = RoiAlign(7, 1 / 16), Tensor(FEATURES[1])
    together = roi_align.of_picture(features, Tensor(ROIS)).asnumpy()
    monkeypatch.setattr(ms_defrcn.roi_align, "_CHUNK", 3)
    in_parts = roi_align.of_picture(features, Tensor(ROIS)).asnumpy()
    np.testing.assert_allclose(in_parts, together, atol=1e-6)


def test_regions_have_no_gradient() -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    roi_align = RoiAlign(2, 1 / 16)
    gradient = ops.grad(lambda rois: roi_align.of_picture(Tensor(FEATURES[0]), rois).sum())
    assert not gradient(Tensor(ROIS)).asnumpy().any()
