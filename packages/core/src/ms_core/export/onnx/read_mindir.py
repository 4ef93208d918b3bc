"""From the message in a MINDIR file to a plain `Graph`: calls inlined, tuples taken apart, marks of order dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ms_core.errors import UserError
from ms_core.export.onnx.graph import Constant, Graph, Node, Operand, Value
from ms_core.export.onnx.mindir_file import attribute_value, parse_mindir, tensor_array, tensor_value

_REFERENCE = "REF::"
"""Before the name of a primitive, a function or a value that is called."""
_SCOPE = "Default/"
"""Outermost scope of every node."""


@dataclass(frozen=True, eq=False)
class _Closure:
    """A function of the file with its first arguments."""

    function: str
    arguments: tuple[_Item, ...]


_Item: TypeAlias = "Operand | _Closure | tuple[_Item, ...]"
_Names = dict[str, _Item]


def read_mindir(path: Path) -> Graph:
    """The graph that a MINDIR file holds.

    Raises:
        UserError: missing, damaged or encrypted, or a graph with branches, loops or outputs that are no tensors.
    """
    model = parse_mindir(path)
    try:
        return _Reader(model).graph()
    except (ValueError, KeyError) as error:
        raise UserError(
            f"{path}: cannot be read as a plain graph: {error}. Export the model as mindir instead."
        ) from error


class _Reader:
    def __init__(self, model: Any) -> None:
        self.model = model
        self.primitives = {primitive.name: primitive for primitive in model.primitives}
        self.functions = {function.name: function for function in model.functions}
        self.nodes: list[Node] = []
        self.calls = 0

    def graph(self) -> Graph:
        """Walk the main graph and, through its calls, the others."""
        main = self.model.graph
        names = self._shared()
        inputs = tuple(tensor_value(value.name, value.tensor[0]) for value in main.input)
        names.update({value.name: value for value in inputs})
        self._walk(main, names, prefix="")
        outputs = tuple(_tensors(names[output.name] for output in main.output))
        return Graph(inputs, outputs, _needed(tuple(self.nodes), outputs))

    def _shared(self) -> _Names:
        """Weights and constants, which every function of the file may name."""
        names: _Names = {}
        for graph in (self.model.graph, *self.model.functions):
            for tensor in graph.parameter:
                label = tensor.ref_key or tensor.name.rpartition(":")[2]
                names[tensor.name] = Constant(label, tensor_array(tensor))
            for node in graph.node:
                if node.op_type == "Constant":
                    names[node.output[0]] = _constant(node.output[0], attribute_value(node.attribute[0]))
        return names

    def _walk(self, graph: Any, names: _Names, prefix: str) -> None:
        for node in graph.node:
            if node.op_type != "Constant":
                names[node.output[0]] = self._item(node, names, prefix)

    def _item(self, node: Any, names: _Names, prefix: str) -> _Item:
        """What a node of the file stands for."""
        target = node.op_type.removeprefix(_REFERENCE)
        arguments = tuple(self._named(name, names) for name in node.input)
        if target not in self.primitives:
            return self._call(self._named(target, names), arguments, names)
        operator = self.primitives[target].op_type
        if operator in _STRUCTURE:
            return _STRUCTURE[operator](arguments)
        scope = node.domain.removeprefix(_SCOPE)
        result = _described(prefix + node.output[0], _attribute(node, "shape"))
        attributes = {item.name: attribute_value(item) for item in self.primitives[target].attribute}
        outputs = tuple(_values(result))
        self.nodes.append(Node(operator, tuple(map(_operand, arguments)), outputs, attributes, scope))
        return result

    def _named(self, name: str, names: _Names) -> _Item:
        if name in names:
            return names[name]
        if name in self.functions:
            return _Closure(name, ())
        raise ValueError(f"nothing is called {name}")

    def _call(self, callee: _Item, arguments: tuple[_Item, ...], names: _Names) -> _Item:
        if not isinstance(callee, _Closure):
            raise ValueError("something that is no function is called")
        function = self.functions[callee.function]
        self.calls += 1
        inside = dict(names)  # a function also sees what was computed around it
        given = (*callee.arguments, *arguments)
        inside.update({value.name: item for value, item in zip(function.input, given, strict=False)})
        self._walk(function, inside, prefix=f"call{self.calls}/")
        return inside[function.output[0].name]


def _first(items: tuple[_Item, ...]) -> _Item:
    return items[0]


def _item_of(items: tuple[_Item, ...]) -> _Item:
    several, index = items
    if not isinstance(several, tuple) or not isinstance(index, int):
        raise ValueError("an entry of a tuple whose length or place is unknown")
    return several[index]


def _partial(items: tuple[_Item, ...]) -> _Item:
    function, *arguments = items
    if not isinstance(function, _Closure):
        raise ValueError("arguments for something that is no function")
    return _Closure(function.function, (*function.arguments, *arguments))


def _branch(items: tuple[_Item, ...]) -> _Item:
    condition, if_true, if_false = items
    if not isinstance(condition, bool):
        raise ValueError("it has a branch that depends on its input")
    return if_true if condition else if_false


_STRUCTURE: Mapping[str, Callable[[tuple[_Item, ...]], _Item]] = {
    "Load": _first,
    "Depend": _first,
    "TensorMove": _first,
    "StopGradient": _first,
    "Return": _first,
    "UpdateState": lambda items: None,
    "MakeTuple": lambda items: items,
    "MakeList": lambda items: items,
    "TupleGetItem": _item_of,
    "ListGetItem": _item_of,
    "Partial": _partial,
    "Switch": _branch,
}
"""Primitives that compute nothing."""


def _constant(name: str, value: Any) -> _Item:
    if isinstance(value, np.ndarray):
        return Constant(name, value)
    if isinstance(value, tuple):
        return tuple(_constant(f"{name}_{index}", item) for index, item in enumerate(value))
    return value


def _operand(item: _Item) -> Operand:
    if isinstance(item, _Closure):
        raise ValueError("a function is given to an operator")
    if isinstance(item, tuple):
        return tuple(map(_operand, item))
    return item


def _attribute(node: Any, name: str) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            return attribute
    raise ValueError(f"the shape of {node.name} is not in the file")


def _described(name: str, attribute: Any) -> Any:
    """What a node gives: a value or a tuple of them."""
    kind = attribute.AttributeType.Name(attribute.type)
    if kind == "TUPLE":
        return tuple(_described(f"{name}[{index}]", item) for index, item in enumerate(attribute.values))
    if kind in ("TENSORS", "SCALAR"):
        value = tensor_value(name, attribute.tensors[0])
        return Value(name, value.dtype, (1,)) if kind == "SCALAR" else value
    raise ValueError(f"{name} is of type {kind}")


def _values(item: Any) -> list[Value]:
    return [value for part in item for value in _values(part)] if isinstance(item, tuple) else [item]


def _tensors(items: Any) -> list[Value | Constant]:
    found: list[Value | Constant] = []
    for item in items:
        if isinstance(item, tuple):
            found += _tensors(item)
        elif isinstance(item, (Value, Constant)):
            found.append(item)
        else:
            raise ValueError(f"an output is no tensor but {item!r}")
    return found


def _needed(nodes: tuple[Node, ...], outputs: tuple[Value | Constant, ...]) -> tuple[Node, ...]:
    """Only those nodes that an output follows from."""
    wanted = {value.name for value in outputs if isinstance(value, Value)}
    kept: list[Node] = []
    for node in reversed(nodes):
        if any(value.name in wanted for value in node.outputs):
            kept.append(node)
            wanted.update(_names(node.inputs))
    return tuple(reversed(kept))


def _names(operand: Operand) -> set[str]:
    if isinstance(operand, tuple):
        return {name for item in operand for name in _names(item)}
    return {operand.name} if isinstance(operand, Value) else set()
