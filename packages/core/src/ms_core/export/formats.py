"""Which formats can be written here, in which combinations."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from ms_core.device_choice import is_available, missing_part, parse_device, why_unavailable
from ms_core.errors import UserError

FORMATS = ("mindir", "onnx", "air")
"""mindir: MindSpore's own; onnx: for ONNX Runtime, OpenVINO and ATC; air: for ATC, written on Ascend only."""
_INSTEAD = "Export onnx instead: ATC converts it as well."


def check_formats(formats: Sequence[str], *, device: str, encrypted: bool) -> None:
    """Raise UserError, before any work, for what cannot be written here.

    Args:
        formats: of `FORMATS`.
        device: what `--device` says.
        encrypted: whether the model is to be encrypted.
    """
    open_formats = [name for name in formats if name != "mindir"]
    if encrypted and open_formats:
        raise UserError(
            f"--encrypt-key-file: --format {open_formats[0]} cannot be encrypted, only mindir. Export it in a call of "
            "its own, without a key, if it may be read by anybody."
        )
    if "onnx" in formats:
        _require_onnx()
    if "air" in formats:
        _require_ascend(device)


def _require_onnx() -> None:
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise UserError(
            f"--format onnx: {' and '.join(missing)} not installed here; one writes the file, the other checks it. "
            'pip install "ms-core[onnx]"'
        )


def _require_ascend(device: str) -> None:
    target = parse_device(device).target
    if target not in (None, "Ascend"):
        raise UserError(
            f"--format air: MindSpore writes AIR on Ascend only, not with --device {device}. {_INSTEAD}"
        )
    missing = missing_part("Ascend")  # quick; importing MindSpore takes seconds
    if not missing and not is_available("Ascend"):
        missing = why_unavailable("Ascend")
    if missing:
        raise UserError(
            f"--format air: MindSpore writes AIR on Ascend machines only; here, {missing}. {_INSTEAD}"
        )
