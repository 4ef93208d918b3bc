"""Operators that take axes together."""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import Node, dtype_of
from ms_core.export.onnx.translation import Result, Translate


def _axes(node: Node) -> tuple[int, ...]:
    """Axes from the front; none given: all."""
    rank = len(node.shape(0))
    if node.argument(1, "axis") is None:
        return tuple(range(rank))
    return tuple(axis % rank for axis in node.integers(1, "axis", ())) or tuple(range(rank))


def _reduced(graph: OnnxGraph, operator: str, name: str, axes: tuple[int, ...], keep: bool) -> str:
    if not axes:
        return name
    if operator == "ReduceSum":  # from set 13 on its axes are an input
        return graph.add(operator, name, graph.integers(axes), keepdims=int(keep))
    return graph.add(operator, name, axes=list(axes), keepdims=int(keep))


def _reduction(operator: str) -> Translate:
    """(x, axes, keep_dims) in the type of the result."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        value, dtype = node.value(0), node.outputs[0].dtype
        name = graph.cast(graph.of(value), dtype_of(value), dtype)
        return _reduced(graph, operator, name, _axes(node), bool(node.argument(2, "keep_dims", False)))

    return translate


def _truth(operator: str) -> Translate:
    """ReduceAll and ReduceAny, by way of whole numbers."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        name = graph.cast(graph.of(node.value(0)), "bool", "int32")
        found = _reduced(graph, operator, name, _axes(node), bool(node.argument(2, "keep_dims", False)))
        return graph.cast(found, "int32", "bool")

    return translate


def _extreme_with_place(place: str, value: str) -> Translate:
    """ArgMaxWithValue and ArgMinWithValue: (x, axis, keep_dims) -> (places, values)."""

    def translate(graph: OnnxGraph, node: Node) -> Result:
        name = graph.of(node.value(0))
        axis = node.axis(1, "axis", len(node.shape(0)), 0)
        keep = bool(node.argument(2, "keep_dims", False))
        places = graph.add(place, name, axis=axis, keepdims=int(keep))
        return graph.cast(places, "int64", node.outputs[0].dtype), _reduced(graph, value, name, (axis,), keep)

    return translate


def _place(operator: str) -> Translate:
    """Argmax, Argmin and their newer forms: (x, axis or None, keep or type); the first of equal ones."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        name, rank = graph.of(node.value(0)), len(node.shape(0))
        if node.argument(1, "axis") is None:
            name, axis = graph.reshape(name, [-1]), 0
        else:
            axis = node.axis(1, "axis", rank)
        keep = len(node.outputs[0].shape) == rank
        places = graph.add(operator, name, axis=axis, keepdims=int(keep))
        return graph.cast(places, "int64", node.outputs[0].dtype)

    return translate


def cum_sum(graph: OnnxGraph, node: Node) -> str:
    """CumSum: (x, axis, exclusive, reverse)."""
    axis = graph.of(node.axis(1, "axis", len(node.shape(0))), "int64")
    flags = [
        int(bool(node.argument(place, name, False))) for place, name in ((2, "exclusive"), (3, "reverse"))
    ]
    return graph.add("CumSum", graph.of(node.value(0)), axis, exclusive=flags[0], reverse=flags[1])


def _softmax(operator: str) -> Translate:
    """(x, axis) or (x, (axis,))."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        axes = node.integers(1, "axis", -1)
        if len(axes) != 1:
            raise node.refused("it is over several axes")
        return graph.add(operator, graph.of(node.value(0)), axis=axes[0] % len(node.shape(0)))

    return translate


REDUCTION: Mapping[str, Translate] = {
    "ReduceMax": _reduction("ReduceMax"),
    "ReduceMean": _reduction("ReduceMean"),
    "ReduceMin": _reduction("ReduceMin"),
    "ReduceProd": _reduction("ReduceProd"),
    "ReduceSum": _reduction("ReduceSum"),
    "MeanExt": _reduction("ReduceMean"),
    "SumExt": _reduction("ReduceSum"),
    "ReduceAll": _truth("ReduceMin"),
    "ReduceAny": _truth("ReduceMax"),
    "ArgMaxWithValue": _extreme_with_place("ArgMax", "ReduceMax"),
    "ArgMinWithValue": _extreme_with_place("ArgMin", "ReduceMin"),
    "ArgMaxExt": _place("ArgMax"),
    "Argmax": _place("ArgMax"),
    "ArgMinExt": _place("ArgMin"),
    "Argmin": _place("ArgMin"),
    "CumSum": cum_sum,
    "Softmax": _softmax("Softmax"),
    "LogSoftmax": _softmax("LogSoftmax"),
}
