"""Does an exported file compute what the network computes?"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mindspore
import numpy as np
from mindspore import Tensor, nn

from ms_core.export.reload import run_mindir
from ms_core.networks.mode import inference_mode

TOLERANCE = 1e-4
"""Largest absolute difference of any output value that still counts as the same network."""


@dataclass(frozen=True)
class ExportedModel:
    """What was written, and how well it agrees."""

    path: Path
    difference: float
    """Largest absolute difference of any output between the reloaded file and the network."""

    def __str__(self) -> str:
        return f"{self.path}: reloaded in a new process, largest difference from the network {self.difference:.1e}"


def verify_mindir(
    path: Path, network: nn.Cell, images: np.ndarray, *more: np.ndarray, new_process: bool = False
) -> float:
    """Reload an exported file and compare it with the network it came from.

    Args:
        path: the MINDIR file.
        network: what was exported; its mode is left as it is.
        images: float32 [B, 3, H, W] of the exported shape. Use a real picture: zeros hide many faults.
        more: the inputs after the images, float32.
        new_process: reload in a Python process of its own, as a user of the file will; takes seconds more.

    Returns:
        Largest absolute difference over all outputs.

    Raises:
        RuntimeError: it exceeds `TOLERANCE`, is not a number, or the outputs have other shapes.
        UserError: the file is missing or unreadable.
    """
    inputs = [np.ascontiguousarray(array, np.float32) for array in (images, *more)]
    with inference_mode(network):
        outputs = network(*(Tensor(array) for array in inputs))
    expected = [output.asnumpy() for output in ((outputs,) if isinstance(outputs, Tensor) else outputs)]
    reloaded = _run_in_new_process(path, inputs) if new_process else run_mindir(path, *inputs)
    difference = _largest_difference(path, expected, reloaded)
    if not difference <= TOLERANCE:  # NaN fails too
        raise RuntimeError(
            f"{path}: the exported model differs from the network by {difference:.3g} (allowed {TOLERANCE:g})"
        )
    return difference


def _largest_difference(path: Path, expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    shapes = [array.shape for array in expected], [array.shape for array in found]
    if shapes[0] != shapes[1]:
        raise RuntimeError(f"{path}: outputs of shapes {shapes[1]}, the network gives {shapes[0]}")
    return max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))


def _run_in_new_process(path: Path, arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder) / "inputs.npz", Path(folder) / "outputs.npz"
        np.savez(inputs, *arrays)
        device = mindspore.get_context("device_target")
        arguments = [str(path.absolute()), str(inputs), str(outputs), device]
        done = subprocess.run(
            [sys.executable, "-m", "ms_core.export.reload", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{path}: reloading in a new process failed: {done.stderr.strip()[-2000:]}")
        with np.load(outputs) as archive:
            return tuple(archive[f"output_{index}"] for index in range(len(archive.files)))
