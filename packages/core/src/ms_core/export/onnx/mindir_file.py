"""Reading MINDIR files (protobuf `mind_ir.ModelProto`): messages into Python values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ms_core.checkpoint.mindspore_format import ENCRYPTED_MAGIC
from ms_core.errors import UserError
from ms_core.export.onnx.graph import Value

DTYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    17: "float64",
}
"""`TensorProto.DataType` -> NumPy's name."""

LARGEST = 2**31 - 1
"""Bytes of one protobuf message."""


def parse_mindir(path: Path) -> Any:
    """The message in a MINDIR file.

    Raises:
        UserError: missing, encrypted, damaged or too large.
    """
    from google.protobuf.message import DecodeError
    from mindspore.train.mind_ir_pb2 import ModelProto

    try:
        if path.stat().st_size > LARGEST:
            raise UserError(
                f"{path}: above 2 GB, which no ONNX file can hold. Export the model as mindir only."
            )
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror or error}. Export the model first."
        ) from error
    if content.startswith(ENCRYPTED_MAGIC):
        raise UserError(f"{path}: is encrypted, ONNX is written from a plain file. Export it without a key.")
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise UserError(f"{path}: not a MINDIR file that can be read ({error}). Export it again.") from error
    if not model.graph.node or not model.graph.output:
        raise UserError(f"{path}: not a MINDIR file: there is no graph in it. Export it again.")
    return model


def tensor_array(tensor: Any) -> np.ndarray:
    """The elements of a `TensorProto`.

    Raises:
        ValueError: a type that NumPy lacks, or a tensor whose elements are not in this file.
    """
    if tensor.data_type not in DTYPES:
        raise ValueError(f"tensor {tensor.name} is of element type {tensor.data_type}")
    shape, dtype = tuple(tensor.dims), DTYPES[tensor.data_type]
    if len(tensor.raw_data) != int(np.prod(shape)) * np.dtype(dtype).itemsize:
        raise ValueError(f"tensor {tensor.name} is not in the file")
    return np.frombuffer(tensor.raw_data, dtype).reshape(shape)


def tensor_value(name: str, tensor: Any) -> Value:
    """A tensor that is described without its elements."""
    if tensor.data_type not in DTYPES:
        raise ValueError(f"tensor {name} is of element type {tensor.data_type}")
    return Value(name, DTYPES[tensor.data_type], tuple(tensor.dims))


def attribute_value(attribute: Any) -> Any:
    """An `AttributeProto` as a number, word, array or tuple of these; None for None and for marks of order."""
    kind = attribute.AttributeType.Name(attribute.type)
    if kind in ("TUPLE", "LIST"):
        return tuple(attribute_value(value) for value in attribute.values)
    if kind in ("TENSORS", "TENSOR"):
        tensors = attribute.tensors or [attribute.t]
        return tensor_array(tensors[0]) if len(tensors) == 1 else tuple(map(tensor_array, tensors))
    if kind in ("NONE", "UMONAD", "IOMONAD", "TYPE_NULL"):
        return None
    if kind == "STRING":
        return _one(attribute.strings, attribute.s).decode()
    if kind == "BOOL":
        return bool(_one(attribute.ints, attribute.i))
    if kind == "FLOAT":
        return float(np.float32(_one(attribute.floats, attribute.f)))
    if kind == "DOUBLE":
        return float(_one(attribute.doubles, attribute.d))
    if kind.startswith(("INT", "UINT")):
        return int(_one(attribute.ints, attribute.i))
    raise ValueError(f"an attribute {attribute.name} is of type {kind}")


def _one(several: Any, single: Any) -> Any:
    """Inside a tuple, a number is the only entry of a list; outside it has a field of its own."""
    return several[0] if len(several) else single
