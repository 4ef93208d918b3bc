"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import Node
from ms_core.export.onnx.translation import Translate


def matmul(graph: OnnxGraph, node: Node) -> str:
    """MatMul and BatchMatMul: (x, y, transpose_a, transpose_b)."""
    a, b = _without_repetition(graph, node)
    if node.argument(2, "transpose_a", False):
        a = _swapped(graph, a, len(node.shape(0)))
    if node.argument(3, "transpose_b", False):
        b = _swapped(graph, b, len(node.shape(1)))
    return graph.add("MatMul", a, b)


def matmul_ext(graph: OnnxGraph, node: Node) -> str:
    """MatMulExt and BatchMatMulExt: like `numpy.matmul`."""
    return graph.add("MatMul", graph.of(node.value(0)), graph.of(node.value(1)))


def dense(graph: OnnxGraph, node: Node) -> str:
    """Dense: (x, weight [out, in], bias or None)."""
    product = graph.add("MatMul", graph.of(node.value(0)), _swapped(graph, graph.of(node.value(1)), 2))
    bias = node.argument(2, "bias")
    return product if bias is None else graph.add("Add", product, graph.of(bias))


def _swapped(graph: OnnxGraph, name: str, rank: int) -> str:
    """The last two axes exchanged."""
    return graph.transpose(name, [*range(rank - 2), rank - 1, rank - 2])


def _without_repetition(graph: OnnxGraph, node: Node) -> tuple[str, str]:
    """The factors; one matrix that was repeated for every other one is taken once: MatMul repeats it without copies.

    MindSpore's BatchMatMul wants equal numbers of matrices, so the other factor has them all.
    """
    a, b = graph.of(node.value(0)), graph.of(node.value(1))
    if node.operator != "BatchMatMul":
        return a, b
    single = _single(graph, a, node.shape(0))
    return (single, b) if single != a else (a, _single(graph, b, node.shape(1)))


def _single(graph: OnnxGraph, name: str, shape: tuple[int, ...]) -> str:
    """The constant matrix that was repeated along leading axes, or `name`."""
    repeated = graph.producer(name, "Expand")
    array = None if repeated is None else graph.known(repeated.input[0])
    if repeated is None or array is None or array.ndim != len(shape) or array.shape[-2:] != shape[-2:]:
        return name
    return repeated.input[0]


LINEAR_ALGEBRA: Mapping[str, Translate] = {
    "MatMul": matmul,
    "BatchMatMul": matmul,
    "MatMulExt": matmul_ext,
    "BatchMatMulExt": matmul_ext,
    "Dense": dense,
}
