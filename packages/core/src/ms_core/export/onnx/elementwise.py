"""Operators that compute each element by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import Constant, Node, Value, dtype_of
from ms_core.export.onnx.translation import Translate

LARGEST_FLOAT = float(np.finfo(np.float32).max)


def _unary(operator: str) -> Translate:
    """An operator that ONNX has, too."""
    return lambda graph, node: graph.add(operator, graph.of(node.value(0)))


def _arithmetic(operator: str) -> Translate:
    """An operator of two operands that are broadcast and brought to the type of the result."""
    return lambda graph, node: graph.add(operator, *_operands(graph, node, node.outputs[0].dtype))


def _comparison(operator: str, *, negated: bool = False) -> Translate:
    """An operator of two operands, broadcast, that gives a truth value."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        answer = graph.add(operator, *_operands(graph, node, _common_type(node)))
        return graph.add("Not", answer) if negated else answer

    return translate


def _operands(graph: OnnxGraph, node: Node, dtype: str) -> tuple[str, str]:
    """The first two inputs as `dtype`."""
    first, second = (_operand(graph, node, position, dtype) for position in (0, 1))
    return first, second


def _operand(graph: OnnxGraph, node: Node, position: int, dtype: str) -> str:
    operand = node.inputs[position]
    if isinstance(operand, (Value, Constant)):
        return graph.cast(graph.of(operand), dtype_of(operand), dtype)
    if isinstance(operand, (int, float)):
        return graph.of(operand, dtype)
    raise node.refused(f"its input {position} is neither tensor nor number")


def _common_type(node: Node) -> str:
    """What two operands are compared in; a plain fraction makes whole numbers float32."""
    given = node.inputs[:2]
    types = [np.dtype(dtype_of(item)) for item in given if isinstance(item, (Value, Constant))]
    common = np.result_type(*types)
    if any(isinstance(item, float) for item in given) and common.kind != "f":
        return "float32"
    return str(common)


def _composed(compute: Callable[[OnnxGraph, str, Callable[[float], str]], str]) -> Translate:
    """An operator of one tensor made of several; `compute` gets the graph, the tensor and constants of its type."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        dtype = dtype_of(node.value(0))
        return compute(graph, graph.of(node.value(0)), lambda number: graph.of(number, dtype))

    return translate


Number = Callable[[float], str]


def _rsqrt(graph: OnnxGraph, x: str, number: Number) -> str:
    return graph.add("Div", number(1), graph.add("Sqrt", x))


def _square(graph: OnnxGraph, x: str, number: Number) -> str:
    return graph.add("Mul", x, x)


def _relu6(graph: OnnxGraph, x: str, number: Number) -> str:
    return graph.add("Clip", x, number(0), number(6))


def _hard_sigmoid(graph: OnnxGraph, x: str, number: Number) -> str:
    return graph.add("Div", _relu6(graph, graph.add("Add", x, number(3)), number), number(6))


def _hard_swish(graph: OnnxGraph, x: str, number: Number) -> str:
    return graph.add("Mul", x, _hard_sigmoid(graph, x, number))


def _silu(graph: OnnxGraph, x: str, number: Number) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _gelu_tanh(graph: OnnxGraph, x: str, number: Number) -> str:
    """MindSpore's GeLU is the approximation x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
    cube = graph.add("Mul", graph.add("Mul", x, x), x)
    inner = graph.add("Add", x, graph.add("Mul", cube, number(0.044715)))
    bent = graph.add("Tanh", graph.add("Mul", inner, number(float(np.sqrt(2 / np.pi)))))
    return graph.add("Mul", graph.add("Mul", x, number(0.5)), graph.add("Add", bent, number(1)))


def _is_finite(graph: OnnxGraph, x: str, number: Number) -> str:
    """Neither infinite nor not a number: its absolute value compares as no larger than the largest."""
    return graph.add("LessOrEqual", graph.add("Abs", x), number(LARGEST_FLOAT))


def floor_div(graph: OnnxGraph, node: Node) -> str:
    """FloorDiv: rounded down; whole numbers go through float64, because ONNX rounds them towards zero."""
    dtype = node.outputs[0].dtype
    wide = dtype if np.dtype(dtype).kind == "f" else "float64"
    quotient = graph.add("Floor", graph.add("Div", *_operands(graph, node, wide)))
    return graph.cast(quotient, wide, dtype)


def scaled_sum(operator: str) -> Translate:
    """AddExt and SubExt: (x, y, alpha) -> x + alpha y or x - alpha y."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        dtype = node.outputs[0].dtype
        x, y = _operands(graph, node, dtype)
        alpha = node.argument(2, "alpha", 1)
        if alpha != 1:
            y = graph.add("Mul", y, graph.of(alpha, dtype))
        return graph.add(operator, x, y)

    return translate


def cast(graph: OnnxGraph, node: Node) -> str:
    """Cast to the type of the output."""
    value = node.value(0)
    return graph.cast(graph.of(value), dtype_of(value), node.outputs[0].dtype)


def select(graph: OnnxGraph, node: Node) -> str:
    """Select: (condition, x, y), broadcast."""
    dtype = node.outputs[0].dtype
    chosen = [_operand(graph, node, position, dtype) for position in (1, 2)]
    return graph.add("Where", graph.of(node.value(0)), *chosen)


def masked_fill(graph: OnnxGraph, node: Node) -> str:
    """MaskedFill: (x, mask, value)."""
    dtype = node.outputs[0].dtype
    filler = _operand(graph, node, 2, dtype)
    return graph.add("Where", graph.of(node.value(1)), filler, graph.of(node.value(0)))


def clamp(graph: OnnxGraph, node: Node) -> str:
    """ClampScalar and ClampTensor: (x, least or None, most or None)."""
    dtype = node.outputs[0].dtype
    name = _operand(graph, node, 0, dtype)
    for position, operator in ((1, "Max"), (2, "Min")):
        if node.argument(position, "") is not None:
            name = graph.add(operator, name, _operand(graph, node, position, dtype))
    return name


ELEMENTWISE: Mapping[str, Translate] = {
    "Abs": _unary("Abs"),
    "Ceil": _unary("Ceil"),
    "Erf": _unary("Erf"),
    "Exp": _unary("Exp"),
    "Floor": _unary("Floor"),
    "Log": _unary("Log"),
    "LogicalNot": _unary("Not"),
    "Neg": _unary("Neg"),
    "ReLU": _unary("Relu"),
    "Reciprocal": _unary("Reciprocal"),
    "Round": _unary("Round"),
    "Sigmoid": _unary("Sigmoid"),
    "Sign": _unary("Sign"),
    "Sqrt": _unary("Sqrt"),
    "Tanh": _unary("Tanh"),
    "GeLU": _composed(_gelu_tanh),
    "HSigmoid": _composed(_hard_sigmoid),
    "HSwish": _composed(_hard_swish),
    "IsFinite": _composed(_is_finite),
    "ReLU6": _composed(_relu6),
    "Rsqrt": _composed(_rsqrt),
    "SiLU": _composed(_silu),
    "Square": _composed(_square),
    "Add": _arithmetic("Add"),
    "AddExt": scaled_sum("Add"),
    "AddScalar": scaled_sum("Add"),
    "Div": _arithmetic("Div"),
    "Divs": _arithmetic("Div"),
    "FloorDiv": floor_div,
    "Maximum": _arithmetic("Max"),
    "Minimum": _arithmetic("Min"),
    "Mul": _arithmetic("Mul"),
    "Muls": _arithmetic("Mul"),
    "Pow": _arithmetic("Pow"),
    "PowTensorScalar": _arithmetic("Pow"),
    "RealDiv": _arithmetic("Div"),
    "Sub": _arithmetic("Sub"),
    "SubExt": scaled_sum("Sub"),
    "SubScalar": scaled_sum("Sub"),
    "ScalarAdd": _arithmetic("Add"),
    "ScalarMul": _arithmetic("Mul"),
    "ScalarSub": _arithmetic("Sub"),
    "Equal": _comparison("Equal"),
    "EqScalar": _comparison("Equal"),
    "Greater": _comparison("Greater"),
    "GreaterEqual": _comparison("GreaterOrEqual"),
    "GreaterEqualScalar": _comparison("GreaterOrEqual"),
    "Less": _comparison("Less"),
    "LessEqual": _comparison("LessOrEqual"),
    "LessScalar": _comparison("Less"),
    "LogicalAnd": _comparison("And"),
    "LogicalOr": _comparison("Or"),
    "LogicalXor": _comparison("Xor"),
    "NotEqual": _comparison("Equal", negated=True),
    "Cast": cast,
    "ClampScalar": clamp,
    "ClampTensor": clamp,
    "MaskedFill": masked_fill,
    "Select": select,
}
