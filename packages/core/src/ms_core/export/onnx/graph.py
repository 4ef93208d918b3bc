"""What the nodes of an exported network are, without MindSpore: values, constants, operators and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ms_core.errors import UserError

UNKNOWN = -1
"""A length that is not known before the graph runs."""


@dataclass(frozen=True)
class Value:
    """A tensor that is computed when the graph runs; a number (`shape[0]` of one) has the shape (1,)."""

    name: str
    """Unique in the graph."""
    dtype: str
    """NumPy's name."""
    shape: tuple[int, ...]
    """Lengths, `UNKNOWN` where they follow from the number of pictures."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A weight or another array that the file holds."""

    name: str
    """That of the parameter; unique in the graph."""
    array: np.ndarray


Operand: TypeAlias = "Value | Constant | int | float | bool | str | tuple[Operand, ...] | None"
"""What an operator is given: arrays, plain numbers, words, or tuples of these."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operator of MindSpore."""

    operator: str
    """Its name in MindSpore."""
    inputs: tuple[Operand, ...]
    outputs: tuple[Value, ...]
    attributes: Mapping[str, Any]
    """Numbers, words and tuples of them."""
    scope: str
    """Cells around it, outermost first, as `backbone-VGG16/b1-SequentialCell/Conv2D-op0`."""

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument that older primitives have as an attribute and newer ones as an input."""
        if position < len(self.inputs):
            return self.inputs[position]
        return self.attributes.get(name, default)

    def integer(self, position: int, name: str, default: int | None = None) -> int:
        """An argument that must be a whole number known now."""
        value = self.argument(position, name, default)
        if isinstance(value, Constant) and value.array.size == 1:
            value = value.array.item()
        if isinstance(value, int):  # bool is one, too
            return int(value)
        raise self.refused(f"its {name} is not known before it runs")

    def integers(self, position: int, name: str, default: Any = None) -> tuple[int, ...]:
        """An argument that must be whole numbers known now; a single one is a tuple of one."""
        value = self.argument(position, name, default)
        if isinstance(value, Constant):
            value = tuple(value.array.reshape(-1).tolist())
        if isinstance(value, int):
            value = (value,)
        if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
            return tuple(int(item) for item in value)
        raise self.refused(f"its {name} is not known before it runs")

    def value(self, position: int) -> Value | Constant:
        """An input that must be an array."""
        found = self.inputs[position] if position < len(self.inputs) else None
        if isinstance(found, (Value, Constant)):
            return found
        raise self.refused(f"its input {position} is no tensor")

    def shape(self, position: int) -> tuple[int, ...]:
        """Shape of an input that must be an array, `UNKNOWN` where it is not known."""
        return shape_of(self.value(position))

    def axis(self, position: int, name: str, rank: int, default: int | None = None) -> int:
        """An axis argument, counted from the front."""
        return self.integer(position, name, default) % max(rank, 1)

    def refused(self, reason: str) -> UserError:
        """The error that says that this node cannot be translated."""
        return UserError(
            f"operator {self.operator} at {self.scope}: {reason}. Export the model as mindir instead."
        )


@dataclass(frozen=True, eq=False)
class Graph:
    """A network: nodes in an order in which they can be computed."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value | Constant, ...]
    nodes: tuple[Node, ...]


def shape_of(value: Value | Constant) -> tuple[int, ...]:
    """Lengths, `UNKNOWN` where they are not known."""
    return value.shape if isinstance(value, Value) else value.array.shape


def dtype_of(value: Value | Constant) -> str:
    """NumPy's name of the element type."""
    return value.dtype if isinstance(value, Value) else str(value.array.dtype)
