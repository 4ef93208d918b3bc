"""Pickles of NumPy arrays: Detectron and detectron2 model zoo files, also those of Python 2."""

from ms_core.checkpoint.pickled_numpy import PickledArray
from ms_core.checkpoint.state_dict import find_weights
from ms_core.checkpoint.unpickle import unpickle
from ms_core.checkpoint.weight_file import WeightFile, damaged

TEXT_STARTS = b"(}]c"
"""First instruction of a dict, list or object in protocols 0 and 1, which have no header."""


def looks_like_pickle(head: bytes) -> bool:
    """A PROTO instruction with a version that exists, or a plausible start of the header-less protocols."""
    return (head[:1] == b"\x80" and head[1:2] <= b"\x05") or head[:1] in TEXT_STARTS


def read_pickle(data: bytes) -> WeightFile:
    """Read a pickle that holds nothing but containers, numbers, strings and NumPy arrays."""
    value, _ = unpickle(data)
    arrays = {}
    for name, record in find_weights(value).items():
        if not isinstance(record, PickledArray) or record.array is None:
            raise damaged("holds torch tensors without their data")
        arrays[name] = record.array
    return WeightFile(arrays, {}, "pickle")
