"""Reading weights of any known format, recognised from the content."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ms_core.checkpoint.archive import open_archive
from ms_core.checkpoint.array_formats import (
    is_npz,
    looks_like_safetensors,
    read_npz,
    read_safetensors,
)
from ms_core.checkpoint.mindspore_format import (
    ENCRYPTED_MAGIC,
    looks_like_checkpoint,
    read_checkpoint,
    read_checkpoint_metadata,
)
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

Content = TypeVar("Content")

ZIP_MAGIC = b"PK"

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
    """Read the weights in a file, without torch and without calling or importing what a pickle names.

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
    return replace(_opened(path, _read), path=path)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """What `write_checkpoint` stored beside the arrays; {} for a readable file of anybody else.

    Arrays are skipped in a `.ckpt` and in zip files, whose damage is then noticed only where it concerns the
    structure; the other formats cannot be checked without reading them.

    Raises:
        UserError: as `read_weights`.
    """
    return _opened(Path(path), _read_metadata)


def _opened(path: Path, read: Callable[[BinaryIO, int], Content]) -> Content:
    """What `read` makes of an open file and its size; whatever goes wrong is told with the file's name."""
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is a folder or device. Name a weight file.")
    try:
        with path.open("rb") as file:
            return read(file, path.stat().st_size)
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


def _read_metadata(file: BinaryIO, size: int) -> dict[str, Any]:
    head = _head(file)
    if head.startswith(ZIP_MAGIC):
        with open_archive(file, size) as archive:
            _archive_reader(archive)
        return {}
    if _is_checkpoint(head, size):
        return read_checkpoint_metadata(file, size)
    return _read(file, size).metadata


def _read(file: BinaryIO, size: int) -> WeightFile:
    head = _head(file)
    if head.startswith(ZIP_MAGIC):
        with open_archive(file, size) as archive:
            return _archive_reader(archive)(archive)
    if head.startswith(LEGACY_MAGIC):
        return read_torch_legacy(file.read())
    if looks_like_safetensors(head, size):
        return read_safetensors(file.read())
    if _is_checkpoint(head, size):
        return read_checkpoint(file, size)
    _refuse_foreign(head)
    if looks_like_pickle(head):
        return read_pickle(file.read())
    raise UnreadableError(f"is no weight file of a known format, or a damaged one. Known: {READABLE}.")


def _head(file: BinaryIO) -> bytes:
    """The first bytes, which tell the format; the file is at its start again."""
    head = file.read(64)
    file.seek(0)
    if not head:
        raise damaged("is empty")
    return head


def _is_checkpoint(head: bytes, size: int) -> bool:
    return looks_like_checkpoint(head) and not looks_like_safetensors(head, size)


def _archive_reader(archive: zipfile.ZipFile) -> Callable[[zipfile.ZipFile], WeightFile]:
    if is_torch_archive(archive):
        return read_torch_archive
    if is_npz(archive):
        return read_npz
    raise UnreadableError(
        "is a zip file, but neither of PyTorch nor of NumPy. Unpack it, and name the file in it."
    )


def _refuse_foreign(head: bytes) -> None:
    for starts, what in FOREIGN:
        if head.startswith(starts):
            raise UnreadableError(f"{what}.")
