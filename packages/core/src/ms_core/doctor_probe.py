"""The part of `doctor` that uses MindSpore, run as `python -m ms_core.doctor_probe DEVICE`; prints checks
as JSON lines.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

TOLERANCE = 1e-4
"""Largest difference from NumPy relative to the largest output; devices may round products to fewer bits
(TF32, fp16)."""
_LOW_PRECISION_TOLERANCE = 1e-2


def main(device_text: str) -> None:
    """Print one check a line: MindSpore's version, every kind of device, and the convolution."""
    os.environ.setdefault("GLOG_v", "3")
    started = time.perf_counter()
    import mindspore as ms

    _report("import mindspore", "PASS", f"{ms.__version__} in {time.perf_counter() - started:.1f} s")
    _report_devices()
    _report_convolution(device_text)


def convolve(image: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Valid cross-correlation with stride 1 in float64, the textbook sum.

    Args:
        image: [C, H, W].
        kernels: [K, C, h, w].

    Returns:
        [K, H - h + 1, W - w + 1].
    """
    height, width = image.shape[1] - kernels.shape[2] + 1, image.shape[2] - kernels.shape[3] + 1
    total = np.zeros((len(kernels), height, width))
    for y, x in np.ndindex(*kernels.shape[2:]):
        window = image[:, y : y + height, x : x + width].astype(np.float64)
        total += np.einsum("kc,cyx->kyx", kernels[:, :, y, x].astype(np.float64), window)
    return total


def _report_devices() -> None:
    from ms_core.device_choice import TARGETS, device_count, is_available, why_unavailable

    for target in TARGETS:
        if is_available(target):
            _report(f"device {target}", "PASS", f"available: {device_count(target)}")
        else:
            _report(f"device {target}", "INFO", f"not available: {why_unavailable(target)}")


def _report_convolution(device_text: str) -> None:
    from ms_core import device
    from ms_core.errors import UserError

    try:
        runtime = device.start(device_text, mode="graph", parallel="off")
    except UserError as error:
        _report("convolution", "FAIL", str(error))
        return
    difference, seconds = _compiled_convolution()
    allowed = TOLERANCE if runtime.device == "CPU" else _LOW_PRECISION_TOLERANCE
    detail = f"compiled on {runtime} in {seconds:.1f} s, relative difference from NumPy {difference:.1e}"
    _report("convolution", "PASS" if difference <= allowed else "FAIL", f"{detail} (allowed {allowed:.0e})")


def _compiled_convolution() -> tuple[float, float]:
    """Largest relative difference from NumPy, and seconds with compilation."""
    import mindspore as ms
    from mindspore import nn

    generator = np.random.default_rng(0)
    image = generator.standard_normal((3, 16, 16), np.float32)
    kernels = generator.standard_normal((8, 3, 3, 3), np.float32)
    network = nn.Conv2d(3, 8, 3, pad_mode="valid", weight_init=ms.Tensor(kernels))
    started = time.perf_counter()
    output = network(ms.Tensor(image[None])).asnumpy()[0]
    expected = convolve(image, kernels)
    return float(np.abs(output - expected).max() / np.abs(expected).max()), time.perf_counter() - started


def _report(name: str, status: str, detail: str) -> None:
    print("@" + json.dumps({"name": name, "status": status, "detail": detail}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "auto")
