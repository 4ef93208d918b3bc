"""Writing a network as MINDIR, MindSpore's own graph format; and as AIR, which only Ascend machines can."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
from mindspore import Tensor, nn

from ms_core.atomic import atomic_write
from ms_core.errors import UserError
from ms_core.export.encryption import Encryption
from ms_core.networks.mode import inference_mode

Shape = Sequence[int | None]
"""Of an input; None: any length."""

_ACCEPTED = re.compile(r"[0-9a-zA-Z@_\-.:/\\]+")
"""Paths that mindspore.export takes: no space, no letter outside ASCII."""


def export_mindir(
    network: nn.Cell,
    input_shape: Shape,
    path: Path,
    *more: Shape,
    dtypes: Sequence[str] = (),
    encryption: Encryption | None = None,
) -> Path:
    """Write `network` in inference mode; the file appears complete or not at all.

    Args:
        network: construct(images, ...) -> tensors. Its mode and weights are left as they are.
        input_shape: of the images, e.g. (1, 3, 300, 300); the file accepts no other shape, except where a length is
            None.
        more: shapes of the inputs after the images.
        path: file to write, ending in `.mindir`; its folder is created, an older file replaced.
        dtypes: of the inputs, in order; float32 for those not named.
        encryption: None: readable by anybody.

    Returns:
        `path`.

    Raises:
        UserError: another suffix, or the file cannot be written.
    """
    secret = {} if encryption is None else {"enc_key": encryption.key, "enc_mode": encryption.mode}
    return _write(network, _inputs((input_shape, *more), dtypes), path, "MINDIR", secret)


def export_air(
    network: nn.Cell, input_shape: Shape, path: Path, *more: Shape, dtypes: Sequence[str] = ()
) -> Path:
    """Write `network` as AIR, as `export_mindir` does; on Ascend only. Never run by us, for want of the device.

    Raises:
        UserError: another suffix than `.air`, or the file cannot be written.
        RuntimeError: this is no Ascend machine.
    """
    return _write(network, _inputs((input_shape, *more), dtypes), path, "AIR", {})


def _inputs(shapes: Sequence[Shape], dtypes: Sequence[str]) -> list[Tensor]:
    """One tensor an input: its shape and type are all that counts."""
    named = [*dtypes, *("float32" for _ in range(len(shapes) - len(dtypes)))]
    return [
        Tensor(shape=list(shape), dtype=getattr(mindspore, dtype))
        if None in shape
        else Tensor(np.zeros([length or 0 for length in shape], dtype))
        for shape, dtype in zip(shapes, named, strict=True)
    ]


def _write(
    network: nn.Cell, inputs: list[Tensor], path: Path, file_format: str, secret: dict[str, Any]
) -> Path:
    suffix = f".{file_format.lower()}"
    if path.suffix != suffix:
        raise UserError(f"{path}: an exported {file_format} file must end in {suffix}. Choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_folder_for_export(path.parent)) as folder:
            exported = _export(network, inputs, Path(folder) / f"model{suffix}", file_format, secret)
            with exported.open("rb") as source, atomic_write(path, binary=True) as target:
                shutil.copyfileobj(source, target)
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror or error}. Choose another folder.") from error
    return path


def _export(
    network: nn.Cell, inputs: list[Tensor], path: Path, file_format: str, secret: dict[str, Any]
) -> Path:
    level = mindspore.get_context("jit_syntax_level")
    try:
        with inference_mode(
            network
        ):  # mindspore.export would write batch statistics of a network in training
            mindspore.export(network, *inputs, file_name=_accepted(path), file_format=file_format, **secret)
    finally:
        mindspore.set_context(jit_syntax_level=level)  # an export that fails leaves it changed
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
