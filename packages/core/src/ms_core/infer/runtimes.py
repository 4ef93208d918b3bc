"""Opening an exported model with MindSpore, ONNX Runtime or OpenVINO; all three are called in the same way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ms_core.device_choice import parse_device
from ms_core.errors import UserError
from ms_core.export.encryption import Encryption
from ms_core.export.manifest import Manifest, ModelFile, check_file

RUNTIMES = ("mindspore", "onnxruntime", "openvino")
"""What can be opened from Python."""
FORMATS = {"mindspore": "mindir", "onnxruntime": "onnx", "openvino": "onnx"}
"""Runtime -> format it reads."""
EXTRAS = {"onnxruntime": "onnx", "openvino": "openvino"}
"""Runtime -> extra of ms-core that brings it."""


class InferenceSession(ABC):
    """An exported model, loaded."""

    runtime: str
    """One of `RUNTIMES`."""
    device: str
    """What computes it, in words for tables: `CPU`, `GPU 0`."""

    @abstractmethod
    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        """Outputs in the manifest's order for inputs in the manifest's order, of its shapes and types."""


def open_model(
    folder: Path,
    manifest: Manifest,
    runtime: str,
    *,
    device: str = "auto",
    threads: int | None = None,
    encryption: Encryption | None = None,
) -> InferenceSession:
    """Load the file of an export folder that a runtime reads.

    Args:
        folder: that `export` wrote.
        manifest: what lies in it.
        runtime: one of `RUNTIMES`.
        device: `auto|cpu|gpu|ascend[:ID]`; auto is the CPU for other runtimes than MindSpore.
        threads: on the CPU, >= 1; None: what the runtime takes by itself.
        encryption: of an encrypted MINDIR.

    Raises:
        UserError: no file of the format, a file that was not exported with the manifest, a missing extra, a missing or
            wrong key, or a device that the runtime has not.
    """
    if threads is not None and threads < 1:
        raise UserError(f"--threads {threads}: at least 1 is needed.")
    file = _file_for(runtime, manifest)
    if file.encrypted and encryption is None:
        raise UserError(f"{folder / file.name}: is encrypted. Pass its key with --key-file FILE.")
    if encryption is not None and not file.encrypted:
        raise UserError(f"--key-file: {folder / file.name} is not encrypted. Leave it away.")
    session = _SESSIONS[runtime]
    session.require(device)
    path = check_file(folder, file)
    return session(path, device, threads, encryption)


def _file_for(runtime: str, manifest: Manifest) -> ModelFile:
    wanted = FORMATS[runtime]
    for file in manifest.files:
        if file.format == wanted:
            return file
    readers = [name for name, form in FORMATS.items() if form in manifest.formats]
    other = f", or choose --runtime {' or '.join(readers)}" if readers else ""
    raise UserError(
        f"--runtime {runtime}: reads {wanted}, but the model was exported as {', '.join(manifest.formats)}. "
        f"Export again with --format {wanted}{other}."
    )


def _extra(runtime: str) -> ModuleType:
    """The module of a runtime that need not be installed.

    Raises:
        UserError: it is not; says how to install it.
    """
    try:
        return import_module(runtime)
    except ImportError as error:
        raise UserError(
            f'--runtime {runtime}: is not installed here ({error}). pip install "ms-core[{EXTRAS[runtime]}]"'
        ) from error


class _Session(InferenceSession):
    """What the three have alike: `_Session(path, device, threads, encryption)`."""

    def __init__(self, path: Path, device: str, threads: int | None, encryption: Encryption | None) -> None:
        self.path = path

    @classmethod
    @abstractmethod
    def require(cls, device: str) -> None:
        """Raise UserError, before the file is read, where this machine lacks the runtime or the device."""


class MindSporeSession(_Session):
    """A MINDIR file in MindSpore."""

    runtime = "mindspore"

    def __init__(self, path: Path, device: str, threads: int | None, encryption: Encryption | None) -> None:
        super().__init__(path, device, threads, encryption)
        from ms_core import device as devices
        from ms_core.export.reload import load_mindir

        place = devices.start(device, parallel="off")
        self.device = f"{place.device} {place.device_id}" if place.device != "CPU" else "CPU"
        if threads is not None:
            import mindspore

            mindspore.set_context(runtime_num_threads=threads)
        self._graph = load_mindir(path, encryption)

    @classmethod
    def require(cls, device: str) -> None:
        parse_device(device)

    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        from mindspore import Tensor

        outputs = self._graph(*(Tensor(np.ascontiguousarray(array)) for array in arrays))
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        return tuple(output.asnumpy() for output in outputs)


class OnnxRuntimeSession(_Session):
    """An ONNX file in ONNX Runtime."""

    runtime = "onnxruntime"

    def __init__(self, path: Path, device: str, threads: int | None, encryption: Encryption | None) -> None:
        super().__init__(path, device, threads, encryption)
        module = _extra(self.runtime)
        options = module.SessionOptions()
        options.log_severity_level = 3  # errors; its warnings are about its own optimisations
        if threads is not None:
            options.intra_op_num_threads = threads
        choice = parse_device(device)
        providers: list[Any] = ["CPUExecutionProvider"]
        if choice.target == "GPU":
            providers.insert(
                0, ("CUDAExecutionProvider", {"device_id": choice.device_id or 0, "use_tf32": 0})
            )
        self.device = "CPU" if choice.target != "GPU" else f"GPU {choice.device_id or 0}"
        try:
            self._session = module.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # its exceptions have no public base class
            raise _unreadable(path, self.runtime, error) from error
        if choice.target == "GPU" and "CUDAExecutionProvider" not in self._session.get_providers():
            raise UserError(
                f"--device {device}: ONNX Runtime could not start CUDA and would compute on the CPU. Check driver, "
                "CUDA and cuDNN, or pass --device cpu."
            )
        self._names = [entry.name for entry in self._session.get_inputs()]

    @classmethod
    def require(cls, device: str) -> None:
        module, target = _extra(cls.runtime), parse_device(device).target
        if target == "Ascend":
            raise UserError(
                f"--device {device}: ONNX Runtime is used on CPU and GPU here. For Ascend see --runtime mindspore, cpp."
            )
        if target == "GPU" and "CUDAExecutionProvider" not in module.get_available_providers():
            raise UserError(
                f"--device {device}: the onnxruntime installed here has no CUDA. pip install onnxruntime-gpu in its "
                "place, or pass --device cpu."
            )

    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(self._session.run(None, dict(zip(self._names, arrays, strict=True))))


class OpenVinoSession(_Session):
    """An ONNX file in OpenVINO, on the CPU and in float32: by itself it would take bfloat16 where the CPU has it."""

    runtime = "openvino"
    device = "CPU"

    def __init__(self, path: Path, device: str, threads: int | None, encryption: Encryption | None) -> None:
        super().__init__(path, device, threads, encryption)
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            self._model = _extra(self.runtime).Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as error:
            raise _unreadable(path, self.runtime, error) from error
        self._request = self._model.create_infer_request()

    @classmethod
    def require(cls, device: str) -> None:
        _extra(cls.runtime)
        if parse_device(device).target not in (None, "CPU"):
            raise UserError(f"--device {device}: OpenVINO is used on the CPU here. Leave it away.")

    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        results = self._request.infer(dict(enumerate(arrays)))
        return tuple(np.array(results[output]) for output in self._model.outputs)


_SESSIONS: dict[str, type[_Session]] = {
    session.runtime: session for session in (MindSporeSession, OnnxRuntimeSession, OpenVinoSession)
}


def _unreadable(path: Path, runtime: str, error: Exception) -> UserError:
    lines: Sequence[str] = str(error).strip().splitlines() or [type(error).__name__]
    return UserError(f"{path}: {runtime} cannot read it ({lines[0].rstrip('.')}). Export the model again.")
