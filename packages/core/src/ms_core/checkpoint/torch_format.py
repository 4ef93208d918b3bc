"""PyTorch's two file formats (`torch.save`), read without torch; for their pickles see unpickle.py."""

import math
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ms_core.checkpoint.archive import read_member
from ms_core.checkpoint.elements import decode, item_size, printable
from ms_core.checkpoint.pickled_torch import ElementType, PickledTensor, StorageKey
from ms_core.checkpoint.state_dict import Record, find_weights
from ms_core.checkpoint.stated_classes import find_classes
from ms_core.checkpoint.unpickle import unpickle
from ms_core.checkpoint.weight_file import UnreadableError, WeightFile, damaged

LEGACY_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""A pickle of the number 0x1950a86a20f9469cfc6c: the start of a legacy file."""

LEGACY_PROTOCOL = 1001

MAX_SHARING = 8
"""Tensors may hold this many times the bytes of their storages: tied weights have several names, ..."""

FREE_BYTES = 16 << 20
"""... and this much beside, because small buffers may be expanded from a single value."""

StorageId = tuple[str, str]
"""Key of a storage and the element code it is read with."""

ReadStorage = Callable[[StorageKey], np.ndarray]
"""Content of a whole storage: [elements]."""


def is_torch_archive(archive: zipfile.ZipFile) -> bool:
    """Whether a zip file has the pickle that torch puts there."""
    return _pickle_name(archive) is not None


def read_torch_archive(archive: zipfile.ZipFile) -> WeightFile:
    """The zip format (torch >= 1.6): `NAME/data.pkl` for the structure, `NAME/data/KEY` for each storage."""
    name = _pickle_name(archive) or ""
    folder = name.removesuffix("data.pkl")
    if f"{folder}constants.pkl" in archive.namelist():
        raise UnreadableError(
            "is a TorchScript program. Save the state_dict() of the module in it with torch.save."
        )
    value, _ = unpickle(read_member(archive, name), persistent_load=_storage_key)
    order = ">" if _optional(archive, f"{folder}byteorder").strip() == b"big" else "<"

    def read_storage(key: StorageKey) -> np.ndarray:
        return decode(
            _whole_elements(read_member(archive, f"{folder}data/{key.key}"), key), key.element, order
        )

    arrays = _materialise(find_weights(value), read_storage)
    return WeightFile(arrays, {}, "torch", classes=find_classes(value))


def read_torch_legacy(data: bytes) -> WeightFile:
    """The format before 1.6: pickles (version, machine, structure, storage keys), then the storages."""
    position = len(LEGACY_MAGIC)
    version, position = unpickle(data, position)
    machine, position = unpickle(data, position)
    if version != LEGACY_PROTOCOL or not isinstance(machine, dict):
        raise UnreadableError("is a torch file of unknown version. Save it again.")
    types: dict[str, str] = {}

    def storage_key(pid: Any) -> StorageKey:
        key = _storage_key(pid)
        types[key.key] = key.element
        return key

    value, position = unpickle(data, position, storage_key)
    keys, position = unpickle(data, position)
    storages = _legacy_storages(
        data, position, keys, types, "<" if machine.get("little_endian", True) else ">"
    )

    def read_storage(key: StorageKey) -> np.ndarray:
        if key.key not in storages:
            raise damaged(f"lacks the storage {printable(key.key)}")
        return storages[key.key]

    arrays = _materialise(find_weights(value), read_storage)
    return WeightFile(arrays, {}, "torch-legacy", classes=find_classes(value))


def _pickle_name(archive: zipfile.ZipFile) -> str | None:
    return next(
        (name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl")), None
    )


def _optional(archive: zipfile.ZipFile, name: str) -> bytes:
    return read_member(archive, name) if name in archive.namelist() else b""


def _storage_key(pid: Any) -> StorageKey:
    """("storage", storage class, key, device, elements[, view]); view: None or (key, start, elements)."""
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
        raise UnreadableError("refers to something else than a storage. Save a state dict with torch.save.")
    kind, key, length = pid[1], pid[2], pid[4]
    start = 0
    if len(pid) == 6 and pid[5] is not None:
        _, start, length = pid[5]
    valid = isinstance(kind, ElementType) and type(length) is int and type(start) is int
    if not valid or length < 0 or start < 0:
        raise damaged("refers to a storage in a way that makes no sense")
    return StorageKey(str(key), kind.element, length, start)


def _whole_elements(data: bytes, key: StorageKey) -> bytes:
    if len(data) % item_size(key.element):
        raise damaged(f"storage {printable(key.key)} ends within an element")
    return data


def _legacy_storages(
    data: bytes, position: int, keys: Any, types: dict[str, str], order: str
) -> dict[str, np.ndarray]:
    """Each storage is its number of elements in 8 bytes, then its elements."""
    if not isinstance(keys, list) or not all(isinstance(key, str) and key in types for key in keys):
        raise damaged("lists storages that nothing refers to")
    view = memoryview(data)
    storages = {}
    for key in keys:
        count = int.from_bytes(view[position : position + 8], _endian(order))
        position += 8
        end = position + count * item_size(types[key])
        if end > len(data):
            raise damaged(f"is truncated in storage {printable(key)}: {len(data)} bytes of at least {end}")
        storages[key] = decode(view[position:end], types[key], order)
        position = end
    return storages


def _materialise(records: dict[str, Record], read_storage: ReadStorage) -> dict[str, np.ndarray]:
    """Arrays for all records; tensors that share a storage share its memory (read-only)."""
    tensors = {name: record for name, record in records.items() if isinstance(record, PickledTensor)}
    storages: dict[StorageId, np.ndarray] = {}
    for name, tensor in tensors.items():
        key = _storage_id(tensor)
        if key not in storages:
            storages[key] = read_storage(tensor.storage)
        if len(storages[key]) < tensor.storage.start + tensor.storage.length:
            raise damaged(f"{printable(name)}: its storage is shorter than the file says")
    _check_expansion(tensors.values(), storages)
    arrays = {}
    for name, record in records.items():
        if isinstance(record, PickledTensor):
            arrays[name] = _window(storages[_storage_id(record)][record.storage.start :], record)
        else:
            assert record.array is not None  # find_weights leaves arrays without content out
            arrays[name] = record.array
    return arrays


def _storage_id(tensor: PickledTensor) -> StorageId:
    return tensor.storage.key, tensor.storage.element


def _check_expansion(tensors: Iterable[PickledTensor], storages: Mapping[StorageId, np.ndarray]) -> None:
    """Strides of 0 make any size of one element, so a small file could claim all memory."""
    claimed = sum(math.prod(tensor.shape) * storages[_storage_id(tensor)].itemsize for tensor in tensors)
    held = sum(storage.nbytes for storage in storages.values())
    if claimed > MAX_SHARING * held + FREE_BYTES:
        raise UnreadableError(
            f"expands its storages of {held} bytes to tensors of {claimed} bytes. Do not use this file."
        )


def _window(storage: np.ndarray, tensor: PickledTensor) -> np.ndarray:
    """A C-contiguous array of the tensor's shape; `rebuild_tensor` has checked that it lies in the storage."""
    if 0 in tensor.shape:
        return np.empty(tensor.shape, storage.dtype)
    steps = tuple(stride * storage.itemsize for stride in tensor.strides)
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, steps, writeable=False)
    return np.ascontiguousarray(view).reshape(tensor.shape)


def _endian(order: str) -> Any:
    return "little" if order == "<" else "big"
