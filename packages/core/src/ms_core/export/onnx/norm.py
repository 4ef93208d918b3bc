"""Normalisations with known statistics, and along axes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import Node, dtype_of
from ms_core.export.onnx.translation import Result, Translate


def batch_norm(graph: OnnxGraph, node: Node) -> Result:
    """BatchNorm of inference: (x, gamma, beta, mean, variance, is_training, epsilon, momentum, data_format)."""
    if node.argument(5, "is_training", False):
        raise node.refused("it uses the statistics of the batch; export the network in inference mode")
    if node.argument(8, "data_format", 0) not in (0, "NCHW"):
        raise node.refused("only the layout NCHW is supported")
    arrays = [graph.of(node.value(position)) for position in range(5)]
    epsilon = float(node.argument(6, "epsilon", 1e-5))
    return graph.add("BatchNormalization", *arrays, epsilon=epsilon), None, None, None, None


def layer_norm(graph: OnnxGraph, node: Node) -> Result:
    """LayerNorm: (x, gamma, beta, begin_norm_axis, begin_params_axis, epsilon) -> (y, mean, variance), y alone here."""
    rank = len(node.shape(0))
    first = node.axis(3, "begin_norm_axis", rank, 1)
    if node.axis(4, "begin_params_axis", rank, 1) != first:
        raise node.refused("its parameters do not cover the normalised axes")
    axes = list(range(first, rank))
    x = graph.of(node.value(0))
    dtype = dtype_of(node.value(0))
    epsilon = graph.of(float(node.argument(5, "epsilon", 1e-7)), dtype)
    centred = graph.add("Sub", x, graph.add("ReduceMean", x, axes=axes, keepdims=1))
    variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=axes, keepdims=1)
    deviation = graph.add("Sqrt", graph.add("Add", variance, epsilon))
    scaled = graph.add("Mul", graph.add("Div", centred, deviation), graph.of(node.value(1)))
    return graph.add("Add", scaled, graph.of(node.value(2))), None, None


def l2_normalize(graph: OnnxGraph, node: Node) -> str:
    """L2Normalize: x / sqrt(max(sum of squares along the axis, epsilon))."""
    x = graph.of(node.value(0))
    axes = node.integers(len(node.inputs), "axis", 0)
    epsilon = graph.of(np.float32(node.attributes.get("epsilon", 1e-4)).item(), dtype_of(node.value(0)))
    squares = graph.add("ReduceSum", graph.add("Mul", x, x), graph.integers(axes), keepdims=1)
    return graph.add("Div", x, graph.add("Sqrt", graph.add("Max", squares, epsilon)))


NORM: Mapping[str, Translate] = {
    "BatchNorm": batch_norm,
    "LayerNorm": layer_norm,
    "L2Normalize": l2_normalize,
}
