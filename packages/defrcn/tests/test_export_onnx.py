"""The ONNX file of the two-stage detector, with suppression by MindSpore's own operator inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from ms_core.export.mindir import export_mindir
from ms_core.export.onnx.writer import write_onnx
from ms_core.export.reload import run_mindir
from ms_core.export.verify_onnx import run_onnx
from ms_defrcn import build_model
from ms_defrcn.config import ProposalConfig
from ms_defrcn.exported_forms import DecodedForm


@pytest.fixture(autouse=True)
def graph_mode() -> Iterator[None]:
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


def test_onnx_agrees_with_mindir(tmp_path: Path) -> None:
    network = build_model("defrcn_r18", 3, proposals=ProposalConfig(test_before_nms=600, test_after_nms=130))
    rng = np.random.default_rng(0)
    images = rng.normal(0, 50, (1, 3, 128, 160)).astype(np.float32)
    sizes = np.array([[120, 150]], np.float32)
    mindir = export_mindir(DecodedForm(network), images.shape, tmp_path / "r18.mindir", sizes.shape)
    outputs = ["boxes", "scores", "valid"]
    file = write_onnx(mindir, tmp_path / "r18.onnx", inputs=["images", "sizes"], outputs=outputs)
    assert file.operators["NonMaxSuppression"] == 2, "one a block of 500 boxes"
    boxes, scores, valid = run_mindir(mindir, images, sizes)
    found_boxes, found_scores, found_valid = run_onnx(file.path, images, sizes)
    np.testing.assert_array_equal(found_valid, valid)
    assert 10 < valid.sum() < 130
    # Pixels of a network without training: noise of one unit in the last place of the images moves boxes as far.
    np.testing.assert_allclose(found_boxes, boxes, atol=0.05)
    np.testing.assert_allclose(found_scores, scores, atol=1e-3)
