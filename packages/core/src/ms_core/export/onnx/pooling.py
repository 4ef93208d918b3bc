"""The largest value or the mean of windows."""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import UNKNOWN, Node
from ms_core.export.onnx.translation import Result, Translate
from ms_core.export.onnx.windows import same_padding


def _pool(operator: str) -> Translate:
    """MaxPool and AvgPool: kernel_size, strides, pad_mode same or valid; padding is no part of a mean."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        if node.attributes.get("format", node.attributes.get("data_format", "NCHW")) not in ("NCHW", 0):
            raise node.refused("only the layout NCHW is supported")
        kernel = node.integers(1, "kernel_size")[-2:]
        strides = node.integers(2, "strides")[-2:]
        return graph.add(
            operator,
            graph.of(node.value(0)),
            kernel_shape=list(kernel),
            strides=list(strides),
            pads=_pads(node, kernel, strides),
        )

    return translate


def _pads(node: Node, kernel: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    mode = str(node.argument(3, "pad_mode", "valid")).lower()
    sides = node.shape(0)[2:]
    if mode in ("valid", "2"):
        return [0, 0, 0, 0]
    if mode not in ("same", "1"):
        raise node.refused(f"pad_mode {mode} is not supported")
    if UNKNOWN in sides:
        raise node.refused("height and width are not known before it runs")
    return same_padding(sides, kernel, strides)


def max_pool_3d(graph: OnnxGraph, node: Node) -> Result:
    """MaxPool3DWithArgmax: the padded MaxPool of maps, which MindSpore takes for volumes of depth 1; values alone."""
    kernel, strides, pads, dilation = (
        node.integers(len(node.inputs), name) for name in ("ksize", "strides", "pads", "dilation")
    )
    batch, channels, depth, *sides = node.shape(0)
    flat = depth == 1 and kernel[0] == 1 and strides[0] == 1 and pads[0] == 0
    if not flat or node.attributes.get("ceil_mode"):
        raise node.refused("volumes and ceil_mode are not supported")
    maps = graph.set_shape(graph.of(node.value(0)), node, (batch, channels, *sides))
    pooled = graph.add(
        "MaxPool",
        maps,
        kernel_shape=list(kernel[1:]),
        strides=list(strides[1:]),
        pads=[*pads[1:], *pads[1:]],
        dilations=list(dilation[1:]),
    )
    return graph.set_shape(pooled, node, node.outputs[0].shape), None


POOLING: Mapping[str, Translate] = {
    "MaxPool": _pool("MaxPool"),
    "AvgPool": _pool("AveragePool"),
    "MaxPool3DWithArgmax": max_pool_3d,
}
