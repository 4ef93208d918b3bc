"""An ONNX graph while it is written: nodes, constants, and what can be computed now is.

Operators of set 13. ONNX Runtime, OpenVINO and ATC read 13 to 17, and MindSpore Lite 2.0.0 no later one; nothing here
needs one. Where a later operator does several steps at once (LayerNormalization, Resize) Lite's converter is known to
misread it silently, so the steps are written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ms_core.errors import UserError
from ms_core.export.onnx.graph import UNKNOWN, Constant, Node, Operand, Value

OPSET = 13
_GROWING = ("Expand", "Tile", "ConstantOfShape")
_LARGEST_GROWN = 1 << 16
"""Bytes up to which the result of an operator that only repeats its input is kept instead of the operator."""
_SHARED = 256
"""Bytes up to which equal constants become one."""


class OnnxGraph:
    """Collects nodes in order; every value has a name, and each is computed now if it can be."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        """`reserved` are names of inputs and outputs, which nothing else may have."""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.scope = ""
        """Where the nodes that are added now belong; the beginning of their names."""
        self._names: dict[str, str] = {}
        """Of values of the MindSpore graph."""
        self._weights: dict[str, str] = {}
        """Of its constants."""
        self._producers: dict[str, onnx.NodeProto] = {}
        self._shared: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._used = set(reserved)

    def bind(self, value: Value, name: str) -> None:
        """Say what a value of the MindSpore graph is called here."""
        self._names[value.name] = name

    def of(self, operand: Operand, dtype: str | None = None) -> str:
        """The name of what an operator is given; plain numbers become constants of `dtype`."""
        if isinstance(operand, Value):
            if operand.name not in self._names:
                raise UserError(
                    f"{self.scope}: uses {operand.name.rpartition(':')[2]}, which has no translation to ONNX. Export "
                    "the model as mindir instead."
                )
            return self._names[operand.name]
        if isinstance(operand, Constant):
            if operand.name not in self._weights:
                name = self._unused(operand.name.encode("ascii", "ignore").decode())
                self._weights[operand.name] = name
                self.constants[name] = operand.array
            return self._weights[operand.name]
        return self.constant(np.array(operand, dtype))

    def constant(self, array: np.ndarray) -> str:
        """The name of an array that is known now."""
        array = np.ascontiguousarray(array).reshape(array.shape)
        key = (str(array.dtype), array.shape, array.tobytes() if array.nbytes <= _SHARED else b"")
        if key[2] and key in self._shared:
            return self._shared[key]
        name = self._unused("constant" if key[2] else f"{self.scope}/constant")
        self.constants[name] = array
        if key[2]:
            self._shared[key] = name
        return name

    def known(self, name: str) -> np.ndarray | None:
        """The array of a name, where it is known now."""
        return self.constants.get(name)

    def producer(self, name: str, operator: str) -> onnx.NodeProto | None:
        """The node that computes a name, if it is of this operator."""
        node = self._producers.get(name)
        return node if node is not None and node.op_type == operator else None

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output; the output's name."""
        return self.add_several(operator, *inputs, count=1, **attributes)[0]

    def add_several(self, operator: str, *inputs: str, count: int, **attributes: Any) -> tuple[str, ...]:
        """Add an operator with `count` outputs; their names."""
        outputs = tuple(self._unused(f"{self.scope}/{operator}") for _ in range(count))
        node = helper.make_node(operator, inputs, outputs, name=outputs[0], **attributes)
        if all(not name or name in self.constants for name in inputs) and self._folded(node):
            return outputs
        self.nodes.append(node)
        self._producers.update(dict.fromkeys(outputs, node))
        return outputs

    def _folded(self, node: onnx.NodeProto) -> bool:
        """Compute a node of constants now, unless the result is only large."""
        found = computed(node, self.constants)
        if node.op_type in _GROWING and sum(array.nbytes for array in found) > _LARGEST_GROWN:
            return False
        self.constants.update(zip(node.output, found, strict=True))
        return True

    def reshape(self, name: str, shape: Sequence[int]) -> str:
        """`name` with other lengths, one of which may be `UNKNOWN`; of several changes in a row the last remains."""
        before = self.producer(name, "Reshape")
        if before is not None:
            name = before.input[0]
        return self.add("Reshape", name, self.integers(shape))

    def integers(self, numbers: Iterable[int]) -> str:
        """A list of int64."""
        return self.constant(np.array(list(numbers), np.int64).reshape(-1))

    def lengths(self, items: tuple[Operand, ...]) -> str:
        """A list of int64 of which some are not known yet."""
        if all(isinstance(item, int) for item in items):
            return self.integers(items)  # type: ignore[arg-type]
        parts = [self.integers([item]) if isinstance(item, int) else self.of(item) for item in items]
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=0)

    def cast(self, name: str, dtype: str, to: str) -> str:
        """`name`, which is of `dtype`, as another element type."""
        if dtype == to:
            return name
        return self.add("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))

    def transpose(self, name: str, order: Sequence[int]) -> str:
        """Axes in another order."""
        return name if list(order) == sorted(order) else self.add("Transpose", name, perm=list(order))

    def set_shape(self, name: str, node: Node, shape: tuple[int, ...]) -> str:
        """`name` with the lengths MindSpore states.

        Raises:
            UserError: they do not tell, because several are unknown or one is 0.
        """
        if shape.count(UNKNOWN) > 1:
            raise node.refused("more than one length of its output is unknown")
        if 0 in shape:
            raise node.refused("its output is empty")
        return self.reshape(name, shape)

    def _unused(self, wanted: str) -> str:
        """A name of its own that begins with `wanted`."""
        name, count = wanted, 1
        while name in self._used:
            name, count = f"{wanted}_{count}", count + 1
        self._used.add(name)
        return name

    def finish(self, results: Sequence[str], outputs: Sequence[str]) -> None:
        """Give the results their final names and drop what they do not need."""
        renamed = self._output_names(results, outputs)
        self.nodes = [_renamed(node, renamed) for node in self.nodes]
        self.prune(outputs)

    def prune(self, outputs: Sequence[str]) -> None:
        """Drop nodes and constants from which no output follows."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                kept.append(node)
                wanted.update(node.input)
        self.nodes = kept[::-1]
        self.constants = {name: array for name, array in self.constants.items() if name in wanted}

    def _output_names(self, results: Sequence[str], outputs: Sequence[str]) -> dict[str, str]:
        """What is to be renamed; a result that is an input, a constant or another output, too, is copied."""
        renamed: dict[str, str] = {}
        for result, output in zip(results, outputs, strict=True):
            if result in self._producers and result not in renamed:
                renamed[result] = output
            else:
                self.nodes.append(helper.make_node("Identity", [result], [output], name=output))
        return renamed

    def initializers(self) -> list[onnx.TensorProto]:
        """All constants as ONNX holds them."""
        return [numpy_helper.from_array(array, name) for name, array in self.constants.items()]


def computed(node: onnx.NodeProto, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The outputs of one node for known inputs."""
    given = {name: arrays[name] for name in node.input if name}
    graph = helper.make_graph(
        [node],
        "constants",
        [helper.make_value_info(name, onnx.TypeProto()) for name in given],
        [helper.make_value_info(name, onnx.TypeProto()) for name in node.output],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, given)]


def _renamed(node: onnx.NodeProto, names: Mapping[str, str]) -> onnx.NodeProto:
    """The node with other names for some of its inputs and outputs."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    return copy
