"""Running an exported MINDIR file, here or in a process that knows nothing of the network's Python code.

As a program: `python -m ms_core.export.reload MODEL.mindir INPUTS.npz OUTPUTS.npz DEVICE ID [CIPHER]`, the key of an
encrypted file on standard input. The arrays are called "CALL.PLACE": a call of the graph, an input or output.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mindspore
import numpy as np
from mindspore import Tensor, nn

from ms_core.errors import UserError
from ms_core.export.encryption import Encryption

Arrays = tuple[np.ndarray, ...]
"""All inputs or all outputs of one call of a graph."""


def load_mindir(path: Path, encryption: Encryption | None = None) -> nn.GraphCell:
    """The graph in a MINDIR file as a cell; needs nothing but the file, and its key where it was encrypted.

    Raises:
        UserError: no such file, not a MINDIR file, or not the key.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file. Export the model first.")
    key = {} if encryption is None else {"dec_key": encryption.key, "dec_mode": encryption.mode}
    try:
        return nn.GraphCell(mindspore.load(str(path), **key))
    except (RuntimeError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        if encryption is not None:
            raise UserError(
                f"{path}: cannot be read with this key and {encryption.mode}. Check both, or export it again."
            ) from error
        raise UserError(f"{path}: not a MINDIR file that can be read ({reason}). Export it again.") from error


def run_mindir(path: Path, *inputs: np.ndarray, encryption: Encryption | None = None) -> Arrays:
    """Outputs of the exported graph for its inputs, of the shapes and types it was exported with."""
    return _run(load_mindir(path, encryption), inputs)


def run_in_new_process(
    path: Path, calls: Sequence[Arrays], encryption: Encryption | None = None
) -> list[Arrays]:
    """The outputs of one call of the graph after the other, computed by another Python process on the same device.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder) / "inputs.npz", Path(folder) / "outputs.npz"
        _save(inputs, calls)
        arguments = [str(path.absolute()), str(inputs), str(outputs), *_device()]
        if encryption is not None:
            arguments.append(encryption.mode)
        done = subprocess.run(
            [sys.executable, "-m", "ms_core.export.reload", *arguments],
            input=b"" if encryption is None else encryption.key,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()[-2000:]
            raise RuntimeError(f"{path}: reloading in a new process failed: {said}")
        return _load(outputs)


def main(arguments: list[str]) -> None:
    """Read the calls of an .npz file, write their outputs into another one."""
    model, inputs, results, device, device_id, *cipher = arguments
    mindspore.set_device(device, int(device_id))
    encryption = Encryption(sys.stdin.buffer.read(), cipher[0]) if cipher else None
    graph = load_mindir(Path(model), encryption)
    _save(Path(results), [_run(graph, call) for call in _load(Path(inputs))])


def _device() -> tuple[str, str]:
    """Kind and number of the device this process works on."""
    return mindspore.get_context("device_target"), str(mindspore.get_context("device_id"))


def _run(graph: nn.GraphCell, inputs: Arrays) -> Arrays:
    outputs = graph(*(Tensor(array) for array in inputs))
    return tuple(output.asnumpy() for output in ((outputs,) if isinstance(outputs, Tensor) else outputs))


def _save(path: Path, calls: Sequence[Arrays]) -> None:
    arrays = {f"{i}.{j}": array for i, call in enumerate(calls) for j, array in enumerate(call)}
    np.savez(path, **arrays)


def _load(path: Path) -> list[Arrays]:
    with np.load(path) as archive:
        calls: dict[str, list[np.ndarray]] = {}
        for name in archive.files:  # in the order in which they were saved
            calls.setdefault(name.split(".")[0], []).append(archive[name])
    return [tuple(arrays) for arrays in calls.values()]


if __name__ == "__main__":
    main(sys.argv[1:])
