"""The ONNX file of the SSDLite network, for one picture and for any number of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from ms_core.export.mindir import export_mindir
from ms_core.export.onnx.writer import write_onnx
from ms_core.export.reload import run_mindir
from ms_core.export.verify_onnx import verify_onnx
from ms_core.networks.inference import InferenceModel
from ms_ssdlite_fpn import build_model


@pytest.fixture(autouse=True)
def graph_mode() -> Iterator[None]:
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.mark.parametrize("free", [False, True])
def test_onnx_agrees_with_mindir(tmp_path: Path, free: bool) -> None:
    detector = build_model("ssdlite_mobilenetv2_fpn", 4)
    network, (height, width) = InferenceModel(detector), detector.input_size
    images = np.random.default_rng(0).standard_normal((1 + free, 3, height, width), np.float32)
    mindir = export_mindir(network, (None if free else 1, 3, height, width), tmp_path / "lite.mindir")
    file = write_onnx(
        mindir, tmp_path / "lite.onnx", inputs=["images"], outputs=["boxes", "scores"], dynamic_batch=free
    )
    assert "Shape" not in file.operators
    assert verify_onnx(file.path, run_mindir(mindir, images), [images]) <= 1e-5
