"""Writing MindSpore `.ckpt` files: all or nothing."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ms_core.atomic import atomic_write
from ms_core.checkpoint.mindspore_format import encode_array, encode_text
from ms_core.checkpoint.weight_file import METADATA_ENTRY
from ms_core.errors import UserError


def write_checkpoint(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any] | None
) -> None:
    """Write a `.ckpt` for `mindspore.load_checkpoint`; a previous file stays until the new one is whole.

    Written by hand: `mindspore.save_checkpoint` deletes the old file first and leaves its result read-only.

    Args:
        path: ends in `.ckpt` (load_checkpoint insists on it); a symbolic link is followed.
        arrays: name -> array of bool, integer, float or MindSpore's bfloat16; the bits are kept.
        metadata: anything JSON can hold; `load_checkpoint` gives it as a str named `ms_core.metadata`. None
            leaves the entry out, for programs of MindSpore 1, which cannot read it.

    Raises:
        UserError: the disk is full, or the folder is missing or not writable.
        ValueError: an array or a name that the format cannot hold.
    """
    if Path(path).suffix != ".ckpt":
        raise UserError(f"{path}: a MindSpore checkpoint must be named *.ckpt. Choose such a name.")
    if METADATA_ENTRY in arrays:
        raise ValueError(f"the name {METADATA_ENTRY} is taken by the metadata")
    with atomic_write(Path(os.path.realpath(path)), binary=True) as file:
        for entry in _entries(arrays, metadata):
            file.write(entry)


def _entries(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any] | None) -> Iterator[bytes]:
    if metadata is not None:
        yield encode_text(METADATA_ENTRY, json.dumps(metadata))
    for name, array in arrays.items():
        yield from encode_array(name, array)
