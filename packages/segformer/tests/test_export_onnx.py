"""The ONNX file of SegFormer at sides that are no multiples of its strides."""

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
from ms_segformer import build_model


@pytest.fixture(autouse=True)
def graph_mode() -> Iterator[None]:
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.mark.parametrize("free", [False, True])
def test_onnx_agrees_with_mindir(tmp_path: Path, free: bool) -> None:
    network = build_model("segformer_b0", 5)
    for parameter in network.get_parameters():  # initial biases are zeros, initial logits tiny
        if parameter.name.endswith(("bias", "beta")):
            noise = np.random.default_rng(len(parameter.name)).uniform(-1, 1, parameter.shape)
            parameter.set_data(ms.Tensor(noise.astype(np.float32)))
    images = np.random.default_rng(0).standard_normal((1 + free, 3, 65, 98), np.float32)
    mindir = export_mindir(network, (None if free else 1, 3, 65, 98), tmp_path / "b0.mindir")
    file = write_onnx(mindir, tmp_path / "b0.onnx", inputs=["images"], outputs=["logits"], dynamic_batch=free)
    assert file.operators["Erf"] == 8, "the exact GELU, once a block"
    assert "Expand" not in file.operators, "weights are not repeated for each picture"
    assert verify_onnx(file.path, run_mindir(mindir, images), [images]) <= 1e-4
