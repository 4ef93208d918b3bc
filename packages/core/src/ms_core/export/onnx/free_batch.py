"""Lengths that follow from a free number of pictures.

MindSpore's file leaves open more lengths than it needs to, and computes others when the graph runs. Every length is a
product of numbers and of the number of pictures, so shapes for two different numbers tell which lengths are constant
and which are the number of pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import defs, helper, numpy_helper, shape_inference

from ms_core.export.onnx.builder import OPSET, computed
from ms_core.export.onnx.graph import UNKNOWN

_NUMBERS = (5, 11)
"""Numbers of pictures for which shapes are computed; primes, so that products differ."""
_SHAPE_BYTES = 4096
"""Constants up to this size may be shapes; of larger ones only type and shape are looked at."""

Lengths = Mapping[str, tuple[int, ...]]


class FreeBatch:
    """Shapes of all values of a graph whose first input begins with a free length.

    Args:
        nodes: in order.
        constants: by name.
        inputs: name -> (type, lengths), the free one `UNKNOWN`.
    """

    def __init__(
        self,
        nodes: Sequence[onnx.NodeProto],
        constants: Mapping[str, np.ndarray],
        inputs: Mapping[str, tuple[str, tuple[int, ...]]],
    ) -> None:
        self._shapes = tuple(_shapes_for(number, nodes, constants, inputs) for number in _NUMBERS)

    def lengths(self, name: str) -> tuple[int, ...] | None:
        """Lengths of a value, `UNKNOWN` where they change with the number of pictures; None: they do not follow."""
        first, second = (shapes.get(name) for shapes in self._shapes)
        if first is None or second is None or len(first) != len(second):
            return None
        return tuple(a if a == b else UNKNOWN for a, b in zip(first, second, strict=True))

    def begins_with_batch(self, name: str) -> bool:
        """Whether the first length of a value is the number of pictures and no other one depends on it."""
        lengths = self.lengths(name)
        firsts = tuple(shapes[name][0] for shapes in self._shapes) if lengths else ()
        return firsts == _NUMBERS and lengths is not None and UNKNOWN not in lengths[1:]

    def plain_reshapes(self, nodes: Sequence[onnx.NodeProto], constant: dict[str, np.ndarray]) -> None:
        """Give every Reshape whose lengths are computed constant ones, where only one of them is free.

        Changes the nodes; adds to `constant`.
        """
        for node in nodes:
            if node.op_type != "Reshape" or node.input[1] in constant:
                continue
            lengths = self.lengths(node.output[0])
            if lengths is not None and lengths.count(UNKNOWN) <= 1:
                name = f"{node.output[0]}/shape"
                constant[name] = np.array(lengths, np.int64)
                node.input[1] = name


def _shapes_for(
    number: int,
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, np.ndarray],
    inputs: Mapping[str, tuple[str, tuple[int, ...]]],
) -> Lengths:
    """Name -> lengths, with `number` for the free length."""
    types = {name: _type(str(array.dtype), array.shape) for name, array in constants.items()}
    for name, (dtype, lengths) in inputs.items():
        types[name] = _type(dtype, tuple(number if length == UNKNOWN else length for length in lengths))
    small = {name: array for name, array in constants.items() if array.nbytes <= _SHAPE_BYTES}
    for node in nodes:
        given = {name: types[name] for name in node.input if name in types}
        arrays = {name: numpy_helper.from_array(small[name], name) for name in node.input if name in small}
        schema = defs.get_schema(node.op_type, OPSET)
        types.update(shape_inference.infer_node_outputs(schema, node, given, arrays))
        small.update(_computed(node, types, small))
    return {name: lengths for name, kind in types.items() if (lengths := _known(kind))}


def _computed(
    node: onnx.NodeProto, types: Mapping[str, onnx.TypeProto], small: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The results of a node that computes lengths."""
    if node.op_type == "Shape":
        lengths = _known(types[node.input[0]])
        return {node.output[0]: np.array(lengths, np.int64)} if lengths else {}
    if all(name in small for name in node.input):
        return dict(zip(node.output, computed(node, small), strict=True))
    return {}


def _type(dtype: str, lengths: Sequence[int]) -> onnx.TypeProto:
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), lengths)


def _known(kind: onnx.TypeProto) -> tuple[int, ...]:
    """Lengths, or nothing where one is not known."""
    dims = kind.tensor_type.shape.dim
    if not all(dim.HasField("dim_value") for dim in dims):
        return ()
    return tuple(dim.dim_value for dim in dims)
