"""Convolutions, and the bias that follows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import UNKNOWN, Node
from ms_core.export.onnx.translation import Translate
from ms_core.export.onnx.windows import same_padding


def conv2d(graph: OnnxGraph, node: Node) -> str:
    """Conv2D: pad_mode same, valid or pad."""
    if node.attributes.get("format", "NCHW") != "NCHW":
        raise node.refused("only the layout NCHW is supported")
    kernel = node.shape(1)[2:]
    strides = node.integers(len(node.inputs), "stride")[-2:]
    dilations = node.integers(len(node.inputs), "dilation", (1, 1))[-2:]
    return graph.add(
        "Conv",
        graph.of(node.value(0)),
        graph.of(node.value(1)),
        kernel_shape=list(kernel),
        strides=list(strides),
        dilations=list(dilations),
        group=node.integer(len(node.inputs), "group", 1),
        pads=_pads(node, kernel, strides, dilations),
    )


def _pads(
    node: Node, kernel: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]
) -> list[int]:
    """top, left, bottom, right."""
    mode = str(node.attributes.get("pad_mode", "valid")).lower()
    if mode == "valid":
        return [0, 0, 0, 0]
    if mode == "same":
        sides = node.shape(0)[2:]
        if UNKNOWN in sides:
            raise node.refused("height and width are not known before it runs")
        reach = [(length - 1) * step + 1 for length, step in zip(kernel, dilations, strict=True)]
        return same_padding(sides, reach, strides)
    if mode != "pad":
        raise node.refused(f"pad_mode {mode} is not supported")
    top, bottom, left, right = node.integers(len(node.inputs), "pad")
    return [top, left, bottom, right]


def bias_add(graph: OnnxGraph, node: Node) -> str:
    """BiasAdd along axis 1; behind a convolution it becomes the convolution's own."""
    if node.argument(2, "data_format", 0) not in (0, "NCHW"):
        raise node.refused("only the layout NCHW is supported")
    name, bias = graph.of(node.value(0)), graph.of(node.value(1))
    before = graph.producer(name, "Conv")
    if before is not None and len(before.input) == 2:
        attributes = {item.name: _plain(item) for item in before.attribute}
        return graph.add("Conv", *before.input, bias, **attributes)
    rank = len(node.shape(0))
    if rank > 2:
        bias = graph.add("Reshape", bias, graph.integers([-1, *[1] * (rank - 2)]))
    return graph.add("Add", name, bias)


def _plain(attribute: Any) -> Any:
    from onnx import helper

    return helper.get_attribute_value(attribute)


CONVOLUTION: Mapping[str, Translate] = {"Conv2D": conv2d, "BiasAdd": bias_add}
