"""Choosing rows: by index, by rank, by overlap."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import UNKNOWN, Node, dtype_of
from ms_core.export.onnx.translation import Result, Translate


def gather(graph: OnnxGraph, node: Node) -> str:
    """Gather: (x, indices, axis, batch_dims)."""
    if node.argument(3, "batch_dims", 0) != 0:
        raise node.refused("batch_dims is not supported")
    axis = node.axis(2, "axis", len(node.shape(0)))
    return graph.add("Gather", graph.of(node.value(0)), _index(graph, node, 1), axis=axis)


def gather_elements(graph: OnnxGraph, node: Node) -> str:
    """GatherD: (x, axis, indices)."""
    axis = node.axis(1, "dim", len(node.shape(0)))
    return graph.add("GatherElements", graph.of(node.value(0)), graph.of(node.value(2)), axis=axis)


def gather_nd(graph: OnnxGraph, node: Node) -> str:
    """GatherNd: (x, indices [..., axes])."""
    indices = graph.add("Cast", graph.of(node.value(1)), to=_INT64)
    return graph.add("GatherND", graph.of(node.value(0)), indices)


_INT64 = 7
"""`onnx.TensorProto.INT64`."""


def _index(graph: OnnxGraph, node: Node, position: int) -> str:
    """Indices, of which there may be a single plain one."""
    operand = node.inputs[position]
    return graph.of(operand, "int64" if isinstance(operand, int) else None)


def top_k(graph: OnnxGraph, node: Node) -> Result:
    """TopK along the last axis: (x, k) -> (values, places); of equal values the first ones."""
    count = graph.integers([node.integer(1, "k")])
    values, places = graph.add_several("TopK", graph.of(node.value(0)), count, count=2, axis=-1)
    return values, graph.cast(places, "int64", node.outputs[1].dtype)


def top_k_ext(graph: OnnxGraph, node: Node) -> Result:
    """TopkExt: (x, k, axis, largest, sorted)."""
    count = graph.integers([node.integer(1, "k")])
    values, places = graph.add_several(
        "TopK",
        graph.of(node.value(0)),
        count,
        count=2,
        axis=node.axis(2, "dim", len(node.shape(0)), -1),
        largest=int(bool(node.argument(3, "largest", True))),
    )
    return values, graph.cast(places, "int64", node.outputs[1].dtype)


def sort(graph: OnnxGraph, node: Node) -> Result:
    """Sort: x, attributes axis and descending -> (values, places)."""
    lengths = node.shape(0)
    axis = node.axis(1, "axis", len(lengths), -1)
    if lengths[axis] == UNKNOWN:
        raise node.refused("the length it sorts is not known before it runs")
    values, places = graph.add_several(
        "TopK",
        graph.of(node.value(0)),
        graph.integers([lengths[axis]]),
        count=2,
        axis=axis,
        largest=int(bool(node.argument(2, "descending", False))),
    )
    return values, graph.cast(places, "int64", node.outputs[1].dtype)


def one_hot(graph: OnnxGraph, node: Node) -> str:
    """OneHot: (indices, depth, on, off, axis); by comparison, because runtimes know ONNX's OneHot of few types."""
    depth, dtype = node.integer(1, "depth"), node.outputs[0].dtype
    rank = len(node.outputs[0].shape)
    axis = node.integer(4, "axis", -1) % rank
    classes = np.arange(depth).reshape([-1 if place == axis else 1 for place in range(rank)])
    value = node.value(0)
    lengths = list(node.shape(0))
    lengths.insert(axis, 1)
    indices = graph.set_shape(graph.of(value), node, tuple(lengths))
    here = graph.add("Equal", indices, graph.constant(classes.astype(dtype_of(value))))
    return graph.add("Where", here, *(graph.of(node.inputs[place], dtype) for place in (2, 3)))


def nms_with_mask(graph: OnnxGraph, node: Node) -> Result:
    """NMSWithMask: [n, 5] as x0 y0 x1 y1 score -> (the same sorted by score, 0 .. n - 1, which ones stay).

    NonMaxSuppression drops the same boxes, by the same overlap, but answers with places of those that stay. Scores
    that MindSpore's graph holds as falling constants are not sorted again.
    """
    count = node.shape(0)[0]
    if count == UNKNOWN:
        raise node.refused("the number of boxes is not known before it runs")
    rows = _sorted_rows(graph, graph.of(node.value(0)), count)
    boxes = graph.add("Reshape", _columns(graph, rows, 0, 4), graph.integers([1, count, 4]))
    falling = graph.constant(np.arange(count, 0, -1, dtype=np.float32).reshape(1, 1, count))
    threshold = graph.constant(np.array([node.attributes["iou_threshold"]], np.float32))
    least = graph.constant(np.zeros(1, np.float32))  # every score is larger, but ATC wants to be told
    chosen = graph.add("NonMaxSuppression", boxes, falling, graph.integers([count]), threshold, least)
    places = graph.constant(np.arange(count, dtype=node.outputs[1].dtype))
    return rows, places, _mask(graph, chosen, count)


def _sorted_rows(graph: OnnxGraph, rows: str, count: int) -> str:
    """The rows by falling score."""
    if _falls(graph, rows):
        return rows
    scores = graph.add("Reshape", _columns(graph, rows, 4, 5), graph.integers([count]))
    _, order = graph.add_several("TopK", scores, graph.integers([count]), count=2, axis=0)
    return graph.add("Gather", rows, order, axis=0)


def _falls(graph: OnnxGraph, rows: str) -> bool:
    """Whether the rows are boxes beside constant scores that fall."""
    joined = graph.producer(rows, "Concat")
    scores = None if joined is None else graph.known(joined.input[-1])
    return scores is not None and scores.shape[1:] == (1,) and bool((np.diff(scores[:, 0]) < 0).all())


def _columns(graph: OnnxGraph, rows: str, begin: int, end: int) -> str:
    return graph.add(
        "Slice",
        rows,
        graph.integers([begin]),
        graph.integers([end]),
        graph.integers([1]),
        graph.integers([1]),
    )


def _mask(graph: OnnxGraph, chosen: str, count: int) -> str:
    """[m, 3] with places in the last column -> bool [count], true at those places."""
    places = graph.add(
        "Slice", chosen, graph.integers([2]), graph.integers([3]), graph.integers([1]), graph.integers([1])
    )
    number = graph.add("Shape", graph.add("Reshape", places, graph.integers([-1])))
    ones = graph.add("Expand", graph.of(1.0, "float32"), number)
    marked = graph.add("ScatterND", graph.constant(np.zeros(count, np.float32)), places, ones)
    return graph.cast(marked, "float32", "bool")


def pairwise_iou(graph: OnnxGraph, node: Node) -> str:
    """IOU: [n, 4], [m, 4] as x0 y0 x1 y1 -> [m, n]; a side from a to b counts b - a + 1 pixels."""
    if node.attributes.get("mode", "iou") != "iou":
        raise node.refused(f"mode {node.attributes['mode']} is not supported")
    first = [_edge(graph, graph.of(node.value(0)), index, across=True) for index in range(4)]  # [1, n]
    second = [_edge(graph, graph.of(node.value(1)), index, across=False) for index in range(4)]  # [m, 1]
    one = graph.of(1.0, node.outputs[0].dtype)
    sides = []
    for low, high in ((0, 2), (1, 3)):
        begin, end = graph.add("Max", first[low], second[low]), graph.add("Min", first[high], second[high])
        sides.append(graph.add("Relu", graph.add("Add", graph.add("Sub", end, begin), one)))
    shared = graph.add("Mul", *sides)
    areas = graph.add("Add", _area(graph, first, one), _area(graph, second, one))
    return graph.add("Div", shared, graph.add("Sub", areas, shared))


def _edge(graph: OnnxGraph, boxes: str, index: int, *, across: bool) -> str:
    """One coordinate of all boxes, [1, n] or [n, 1]."""
    column = _columns(graph, boxes, index, index + 1)
    return graph.add("Reshape", column, graph.integers([1, -1])) if across else column


def _area(graph: OnnxGraph, edges: list[str], one: str) -> str:
    width = graph.add("Add", graph.add("Sub", edges[2], edges[0]), one)
    return graph.add("Mul", width, graph.add("Add", graph.add("Sub", edges[3], edges[1]), one))


SELECTION: Mapping[str, Translate] = {
    "Gather": gather,
    "GatherD": gather_elements,
    "GatherNd": gather_nd,
    "TopK": top_k,
    "TopkExt": top_k_ext,
    "Sort": sort,
    "OneHot": one_hot,
    "NMSWithMask": nms_with_mask,
    "IOU": pairwise_iou,
}
