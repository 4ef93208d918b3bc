"""The ONNX file of SSD300 on VGG-16 as the paper has it: L2 normalisation, dilation, padded pooling."""

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
from ms_ssd import build_model


@pytest.fixture(autouse=True)
def graph_mode() -> Iterator[None]:
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


def test_onnx_agrees_with_mindir(tmp_path: Path) -> None:
    network = InferenceModel(build_model("ssd_vgg16", 4, variant="paper"))
    images = np.random.default_rng(0).standard_normal((1, 3, 300, 300), np.float32)
    mindir = export_mindir(network, images.shape, tmp_path / "paper.mindir")
    file = write_onnx(mindir, tmp_path / "paper.onnx", inputs=["images"], outputs=["boxes", "scores"])
    assert file.operators["MaxPool"] == 5
    assert verify_onnx(file.path, run_mindir(mindir, images), [images]) <= 1e-5
