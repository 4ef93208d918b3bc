"""Writing a network as MINDIR, MindSpore's own graph format."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import mindspore
import numpy as np
from mindspore import Tensor, nn

from ms_core.atomic import atomic_write
from ms_core.errors import UserError
from ms_core.networks.mode import inference_mode

_ACCEPTED = re.compile(r"[0-9a-zA-Z@_\-.:/\\]+")
"""Paths that mindspore.export takes: no space, no letter outside ASCII."""


def export_mindir(network: nn.Cell, input_shape: Sequence[int], path: Path, *more: Sequence[int]) -> Path:
    """Write `network` in inference mode; the file appears complete or not at all.

    Args:
        network: construct(images, ...) -> tensors. Its mode and weights are left as they are.
        input_shape: of the images, e.g. (1, 3, 300, 300); the file accepts no other shape.
        more: shapes of the inputs after the images, float32 as these.
        path: file to write, ending in `.mindir`; its folder is created, an older file replaced.

    Returns:
        `path`.

    Raises:
        UserError: another suffix, or the file cannot be written.
    """
    if path.suffix != ".mindir":
        raise UserError(f"{path}: a MINDIR file must end in .mindir. Choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_folder_for_export(path.parent)) as folder:
            exported = _export(network, (input_shape, *more), folder)
            with exported.open("rb") as source, atomic_write(path, binary=True) as target:
                shutil.copyfileobj(source, target)
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror or error}. Choose another folder.") from error
    return path


def _export(network: nn.Cell, shapes: Sequence[Sequence[int]], folder: str) -> Path:
    inputs = [Tensor(np.zeros(tuple(shape), np.float32)) for shape in shapes]
    path = Path(folder) / "model.mindir"
    with inference_mode(network):  # mindspore.export would write batch statistics of a network in training
        mindspore.export(network, *inputs, file_name=_accepted(path), file_format="MINDIR")
    if not path.is_file():  # above 1 GB MindSpore writes a folder of parts instead
        raise RuntimeError("MindSpore did not write one file; the network may exceed 1 GB")
    return path


def _folder_for_export(preferred: Path) -> Path:
    """A folder MindSpore can be told of; its files are moved where they belong afterwards."""
    for folder in (preferred, Path(tempfile.gettempdir())):
        if _accepted(folder):
            return folder
    raise UserError(
        f"{preferred}: MindSpore exports only to paths of ASCII letters, digits and @ _ - . and the "
        f"temporary folder {tempfile.gettempdir()} is none either. Set TMPDIR to such a folder."
    )


def _accepted(path: Path) -> str:
    """A spelling of `path` that mindspore.export takes, or an empty string."""
    return next((spelling for spelling in _spellings(path) if _ACCEPTED.fullmatch(spelling)), "")


def _spellings(path: Path) -> Iterator[str]:
    yield str(path.absolute())
    try:
        yield os.path.relpath(path)
    except ValueError:  # on another drive of a Windows machine
        return
