"""Reading weights of any known format, recognised from the content."""

from pathlib import Path
from typing import Any, BinaryIO

from ms_core.checkpoint.archive import open_archive
from ms_core.checkpoint.array_formats import (
    is_npz,
    looks_like_safetensors,
    read_npz,
    read_safetensors,
)
from ms_core.checkpoint.mindspore_format import ENCRYPTED_MAGIC, looks_like_checkpoint, read_checkpoint
from ms_core.checkpoint.pickle_format import looks_like_pickle, read_pickle
from ms_core.checkpoint.torch_format import (
    LEGACY_MAGIC,
    is_torch_archive,
    read_torch_archive,
    read_torch_legacy,
)
from ms_core.checkpoint.weight_file import UnreadableError, WeightFile, damaged
from ms_core.errors import UserError

__all__ = ["WeightFile", "read_metadata", "read_weights"]

READABLE = "MindSpore .ckpt, PyTorch .pth/.pt, .pkl of NumPy arrays, .safetensors, .npz"

FOREIGN = (
    (
        ENCRYPTED_MAGIC,
        "is an encrypted MindSpore checkpoint. Decrypt it first: mindspore.load_checkpoint(dec_key=...)",
    ),
    ((b"version https://git-lfs",), "is a Git LFS pointer, not the file itself. Run git lfs pull"),
    (
        (b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"),
        "is a web page, not the file itself. Download it again",
    ),
    ((b"\x1f\x8b", b"BZh", b"\xfd7zXZ"), "is a compressed file. Unpack it first"),
    ((b"\x89HDF",), "is an HDF5 file (Keras). Convert it to .npz first"),
    ((b"\x93NUMPY",), "is a single array without a name. Save named arrays with numpy.savez"),
)
"""First bytes -> what the file is and what to do, for files that people give us by mistake."""


def read_weights(path: str | Path) -> WeightFile:
    """Read the weights in a file. Nothing in the file is executed; torch is not needed.

    Args:
        path: MindSpore `.ckpt`, PyTorch `.pth`/`.pt` (zip or legacy), `.pkl` of NumPy arrays, `.safetensors`
            or `.npz`. The name may end in anything: the content decides.

    Returns:
        The arrays by name. In training checkpoints of other frameworks the network's weights are found
        (`state_dict`, `model`, `blobs`, ...); the rest is left out.

    Raises:
        UserError: missing, empty, truncated, damaged or hostile file, or a format that is not known.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is a folder or device. Name a weight file.")
    try:
        with path.open("rb") as file:
            weights = _read(file, path.stat().st_size)
    except UnreadableError as error:
        raise UserError(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file. Check the path.") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise UserError(
            f"{path}: does not fit into memory, or claims so. Use a machine with more memory."
        ) from error
    return WeightFile(weights.arrays, weights.metadata, weights.format, path, weights.texts)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """What `write_checkpoint` stored beside the arrays; {} for a readable file of anybody else.

    Raises:
        UserError: as `read_weights`.
    """
    return read_weights(path).metadata


def _read(file: BinaryIO, size: int) -> WeightFile:
    head = file.read(64)
    file.seek(0)
    if not head:
        raise damaged("is empty")
    if head.startswith(b"PK"):
        return _read_archive(file, size)
    if head.startswith(LEGACY_MAGIC):
        return read_torch_legacy(file.read())
    if looks_like_safetensors(head, size):
        return read_safetensors(file.read())
    if looks_like_checkpoint(head):
        return read_checkpoint(file, size)
    _refuse_foreign(head)
    if looks_like_pickle(head):
        return read_pickle(file.read())
    raise UnreadableError(f"is no weight file of a known format, or a damaged one. Known: {READABLE}.")


def _read_archive(file: BinaryIO, size: int) -> WeightFile:
    with open_archive(file, size) as archive:
        if is_torch_archive(archive):
            return read_torch_archive(archive)
        if is_npz(archive):
            return read_npz(archive)
    raise UnreadableError(
        "is a zip file, but neither of PyTorch nor of NumPy. Unpack it, and name the file in it."
    )


def _refuse_foreign(head: bytes) -> None:
    for starts, what in FOREIGN:
        if head.startswith(starts):
            raise UnreadableError(f"{what}.")
