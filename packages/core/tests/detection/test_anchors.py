"""Default boxes against those of the old code, bit for bit."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ms_core.detection.anchors import Anchors, scale_aspect_anchors
from ms_core.detection.boxes import centre_to_corners

AnchorsOf = Callable[[str], Anchors]
NETS = {"ssd300": 1917, "ssd_vgg16": 7308, "ssd_mobilenet_v1_fpn": 51150, "ssdlite_mobilenetv2_fpn": 12804}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("form", ["xywh", "tlbr"])
def test_equal_to_the_old_boxes(
    net: str, form: str, anchors_of: AnchorsOf, golden_boxes: dict[str, np.ndarray]
) -> None:
    boxes = getattr(anchors_of(net), form)
    assert boxes.dtype == np.float32
    assert boxes.shape == (NETS[net], 4)
    np.testing.assert_array_equal(boxes[::97], golden_boxes[f"{net}/default_boxes_{form}_every_97th"])
    assert zlib.crc32(boxes.tobytes()) == golden_boxes[f"{net}/default_boxes_{form}_crc32"]


@pytest.mark.parametrize("net", NETS)
def test_equal_to_the_full_golden_files(net: str, shared: Path, anchors_of: AnchorsOf) -> None:
    golden = np.load(shared / "golden" / "ssd" / f"{net}.npz")
    anchors = anchors_of(net)
    np.testing.assert_array_equal(anchors.xywh, golden["default_boxes_xywh"])
    np.testing.assert_array_equal(anchors.tlbr, golden["default_boxes_tlbr"])


@pytest.mark.parametrize("net", NETS)
def test_both_forms_are_the_same_boxes(net: str, anchors_of: AnchorsOf) -> None:
    anchors = anchors_of(net)
    np.testing.assert_allclose(centre_to_corners(anchors.xywh), anchors.tlbr, atol=3e-7)
    np.testing.assert_array_equal(anchors.edges, anchors.tlbr.T)
    np.testing.assert_allclose(anchors.areas, anchors.xywh[:, 2] * anchors.xywh[:, 3], rtol=1e-4)


def test_first_level_without_ratios_has_three_boxes() -> None:
    anchors = scale_aspect_anchors(100, [1, 1], [100, 100], [[], [2]])
    assert len(anchors) == 3 + 4
    np.testing.assert_allclose(anchors.xywh[0], [0.5, 0.5, 0.1, 0.1])
    np.testing.assert_allclose(anchors.xywh[1], [0.5, 0.5, 0.2 / 2**0.5, 0.2 * 2**0.5], rtol=1e-6)
