"""Does an ONNX file compute what the network computes?

verify_onnx(path, expected, inputs) -> largest difference; run_onnx(path, *inputs) -> outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ms_core.errors import UserError
from ms_core.export.verify import check_agreement

INSTALL = 'pip install "ms-core[onnx]"'
Arrays = tuple[np.ndarray, ...]


def verify_onnx(path: Path, expected: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> float:
    """Run an ONNX file with ONNX Runtime on the CPU and compare its outputs with those of the network.

    The limit is that of MINDIR files, `verify.TOLERANCE`, absolute whatever the outputs' range: a difference of
    rounding alone stays below it in all networks here, logits of SegFormer (up to some tens) included.

    Args:
        path: the ONNX file.
        expected: outputs of the network for `inputs`, in the file's order (`verify.network_outputs`).
        inputs: one array an input of the file, of its type and shape. Use a real picture: zeros hide many faults.

    Returns:
        Largest absolute difference over all float outputs.

    Raises:
        RuntimeError: see `verify.check_agreement`; or ONNX Runtime refuses the file.
        UserError: no such file, or ONNX Runtime is not installed.
    """
    return check_agreement(path, expected, run_onnx(path, *inputs))


def run_onnx(path: Path, *inputs: np.ndarray) -> Arrays:
    """Outputs of an ONNX file for its inputs, by ONNX Runtime on the CPU.

    Raises:
        RuntimeError: ONNX Runtime refuses the file or these inputs.
        UserError: no such file, or ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(f"{path}: checking an ONNX file needs ONNX Runtime. Run {INSTALL}.") from error
    if not path.is_file():
        raise UserError(f"{path}: no such file. Export the model first.")
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        arrays = [np.ascontiguousarray(array) for array in inputs]
        return tuple(session.run(None, dict(zip(names, arrays, strict=True))))
    except Exception as error:  # its exceptions share no base class of their own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RuntimeError(f"{path}: ONNX Runtime: {reason}") from error
