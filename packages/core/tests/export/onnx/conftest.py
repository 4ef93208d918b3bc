"""What all tests of the ONNX writer share: a function of tensors, exported, written as ONNX, and run by both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn
from ms_core.export.mindir import export_mindir
from ms_core.export.onnx.writer import OnnxFile, write_onnx
from ms_core.export.verify import network_outputs
from ms_core.export.verify_onnx import run_onnx


class Compute(nn.Cell):
    """A function as a network."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def construct(self, *tensors: Any) -> Any:
        return self.function(*tensors)


Check = Callable[..., OnnxFile]


@pytest.fixture(autouse=True)
def graph_mode() -> Iterator[None]:
    """Export compiles a graph in any case; MindSpore's own numbers come from one, too."""
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """check(network or function, *arrays) exports it, writes ONNX and compares the outputs of both."""

    def compare(
        network: nn.Cell | Callable[..., Any],
        *arrays: np.ndarray,
        free: bool = False,
        batches: Sequence[int] = (),
        tolerance: float = 2e-6,
    ) -> OnnxFile:
        cell = network if isinstance(network, nn.Cell) else Compute(network)
        calls = [tuple(array[:number] for array in arrays) for number in batches] or [arrays]
        expected = [network_outputs(cell, call) for call in calls]
        shapes = [((None, *array.shape[1:]) if free else array.shape) for array in arrays]
        mindir = export_mindir(
            cell,
            shapes[0],
            tmp_path / "net.mindir",
            *shapes[1:],
            dtypes=[str(array.dtype) for array in arrays],
        )
        inputs = [f"in{index}" for index in range(len(arrays))]
        outputs = [f"out{index}" for index in range(len(expected[0]))]
        file = write_onnx(mindir, tmp_path / "net.onnx", inputs=inputs, outputs=outputs, dynamic_batch=free)
        for call, wanted in zip(calls, expected, strict=True):
            _compare(wanted, run_onnx(file.path, *call), tolerance)
        return file

    return compare


def _compare(expected: Sequence[np.ndarray], found: Sequence[np.ndarray], tolerance: float) -> None:
    assert len(expected) == len(found)
    for index, (ours, theirs) in enumerate(zip(expected, found, strict=True)):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), f"output {index}"
        limits = {"rtol": tolerance, "atol": tolerance} if ours.dtype.kind == "f" else {"rtol": 0, "atol": 0}
        np.testing.assert_allclose(theirs, ours, **limits, err_msg=f"output {index}")


@pytest.fixture
def rng() -> np.random.Generator:
    """Always the same numbers."""
    return np.random.default_rng(0)
