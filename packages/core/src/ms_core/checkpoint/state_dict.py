"""Finding the weights in a pickled object: a bare state dict or a whole training checkpoint."""

from collections.abc import Iterator
from typing import Any

from ms_core.checkpoint.pickled_numpy import PickledArray
from ms_core.checkpoint.pickled_torch import PickledTensor
from ms_core.checkpoint.weight_file import UnreadableError

MAX_DEPTH = 64
"""Dicts inside one another. Modules nest about ten deep; thousands would exhaust Python's stack."""

Record = PickledArray | PickledTensor

CONTAINERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "blobs")
"""Keys of the network's weights beside optimiser state and counters, best first: mmcv and Lightning; torch
tutorials; detectron2, DETR and torchvision; Caffe2."""


def find_weights(value: Any) -> dict[str, Record]:
    """Name -> array of the network's weights; names of nested dicts are joined by dots.

    Raises:
        UnreadableError: there is no array under a name, or dicts are nested beyond reason.
    """
    visited = {id(value)}
    while (inner := _container(value)) is not None and id(inner) not in visited:
        visited.add(id(inner))
        value = inner
    records = dict(_named(value, "", set()))
    if not records:
        raise UnreadableError("holds no named arrays of numbers. Use a file with a state dict.")
    return records


def _container(value: Any) -> dict[Any, Any] | None:
    """The weights of a training checkpoint; None where `value` holds them itself."""
    if not isinstance(value, dict):
        return None
    for key in CONTAINERS:
        inner = value.get(key)
        if isinstance(inner, dict) and any(_named(inner, "", set())):
            return inner
    return None


def _named(value: Any, name: str, seen: set[int], depth: int = 0) -> Iterator[tuple[str, Record]]:
    """Depth first; each dict is visited once, so that dicts that contain themselves or one another end."""
    if depth > MAX_DEPTH:
        raise UnreadableError(f"holds more than {MAX_DEPTH} dicts inside one another. Do not use this file.")
    if isinstance(value, PickledTensor) or (isinstance(value, PickledArray) and _is_numeric(value)):
        if name:
            yield name, value
    elif isinstance(value, dict) and id(value) not in seen:
        seen.add(id(value))
        for key, inner in value.items():
            if isinstance(key, str):
                yield from _named(inner, f"{name}.{key}" if name else key, seen, depth + 1)


def _is_numeric(record: PickledArray) -> bool:
    return record.array is not None and record.array.dtype.kind not in "SU"
