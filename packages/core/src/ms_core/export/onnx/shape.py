"""Operators that move elements without changing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import UNKNOWN, Constant, Node, Operand, Value, dtype_of, shape_of
from ms_core.export.onnx.translation import Result, Translate


def shape(graph: OnnxGraph, node: Node) -> Result:
    """Shape as a tuple of numbers: those that are known now, and those read from the tensor when it runs."""
    lengths = node.shape(0)
    if len(lengths) != len(node.outputs):
        raise node.refused("the number of axes is not known before it runs")
    if UNKNOWN not in lengths:
        return tuple(graph.integers([length]) for length in lengths)
    read = graph.add("Shape", graph.of(node.value(0)))
    return tuple(
        graph.add("Gather", read, graph.integers([axis]), axis=0)
        if length == UNKNOWN
        else graph.integers([length])
        for axis, length in enumerate(lengths)
    )


def reshape(graph: OnnxGraph, node: Node) -> str:
    """Reshape, ExpandDims, Squeeze, Flatten: what they lead to is in the file, at most one length of it unknown."""
    lengths = node.outputs[0].shape
    name = graph.of(node.value(0))
    if lengths.count(UNKNOWN) <= 1:
        return graph.set_shape(name, node, lengths)
    target = node.argument(1, "shape")
    if node.operator != "Reshape" or not isinstance(target, tuple):
        raise node.refused("more than one length of its output is unknown")
    return graph.add("Reshape", name, graph.lengths(target))


def transpose(graph: OnnxGraph, node: Node) -> str:
    """Transpose: (x, order)."""
    rank = len(node.shape(0))
    return graph.transpose(graph.of(node.value(0)), [axis % rank for axis in node.integers(1, "perm")])


def _tensors(node: Node) -> tuple[Value | Constant, ...]:
    """The tuple of tensors that the node joins."""
    several = node.inputs[0]
    if not isinstance(several, tuple):
        raise node.refused("its input is no tuple of tensors")
    found = [item for item in several if isinstance(item, (Value, Constant))]
    if len(found) != len(several):
        raise node.refused("its input is no tuple of tensors")
    return tuple(found)


def concat(graph: OnnxGraph, node: Node) -> str:
    """Concat: (tensors, axis)."""
    parts, dtype = _tensors(node), node.outputs[0].dtype
    axis = node.axis(1, "axis", len(shape_of(parts[0])), 0)
    names = [graph.cast(graph.of(part), dtype_of(part), dtype) for part in parts]
    return names[0] if len(names) == 1 else graph.add("Concat", *names, axis=axis)


def stack(graph: OnnxGraph, node: Node) -> str:
    """Stack: (tensors), axis of the result."""
    parts, rank = _tensors(node), len(node.outputs[0].shape)
    axis = node.integer(1, "axis", 0) % rank
    names = [_with_axis(graph, node, part, axis) for part in parts]
    return names[0] if len(names) == 1 else graph.add("Concat", *names, axis=axis)


def _with_axis(graph: OnnxGraph, node: Node, part: Value | Constant, axis: int) -> str:
    lengths = list(shape_of(part))
    lengths.insert(axis, 1)
    if lengths.count(UNKNOWN) > 1:
        return graph.add("Unsqueeze", graph.of(part), graph.integers([axis]))
    return graph.set_shape(graph.of(part), node, tuple(lengths))


def split(graph: OnnxGraph, node: Node) -> Result:
    """Split, SplitTensor, SplitWithSize and Chunk; the lengths of the parts are in the file."""
    value = node.value(0)
    position = 1 if node.operator == "Split" else 2
    axis = node.axis(position, "axis", len(shape_of(value)), 0)
    lengths = [output.shape[axis] for output in node.outputs]
    if UNKNOWN in lengths:
        raise node.refused("the length it splits is not known before it runs")
    if len(lengths) == 1:
        return (graph.of(value),)
    return graph.add_several("Split", graph.of(value), graph.integers(lengths), count=len(lengths), axis=axis)


def tile(graph: OnnxGraph, node: Node) -> str:
    """Tile: (x, repetitions of the last axes)."""
    repeats = node.argument(1, "multiples")
    if not isinstance(repeats, tuple):
        repeats = node.integers(1, "multiples")
    name, lengths = graph.of(node.value(0)), node.shape(0)
    missing = len(repeats) - len(lengths)
    if missing > 0:
        name = graph.set_shape(name, node, (1,) * missing + lengths)
    repeats = (1,) * -missing + repeats
    return graph.add("Tile", name, graph.lengths(repeats))


def broadcast_to(graph: OnnxGraph, node: Node) -> str:
    """BroadcastTo: (x, shape), -1 for a length that stays."""
    name, lengths = graph.of(node.value(0)), node.outputs[0].shape
    if UNKNOWN not in lengths:
        return name if lengths == node.shape(0) else graph.add("Expand", name, graph.integers(lengths))
    return graph.add("Expand", name, _target(graph, node, lengths))


def _target(graph: OnnxGraph, node: Node, lengths: Sequence[int]) -> str:
    """What Expand is told where not all lengths are known; for it 1 is a length that stays."""
    asked = node.argument(1, "shape")
    if not isinstance(asked, tuple):
        raise node.refused("the shape it asks for is not known before it runs")
    items: list[Operand] = []
    for length, item in zip(lengths, asked, strict=True):
        if length != UNKNOWN:
            items.append(length)
        else:
            items.append(1 if item == UNKNOWN else item)
    return graph.lengths(tuple(items))


def filled(number: int) -> Translate:
    """ZerosLike and OnesLike."""

    def translate(graph: OnnxGraph, node: Node) -> str:
        output = node.outputs[0]
        single = graph.of(number, output.dtype)
        if UNKNOWN not in output.shape:
            return graph.add("Expand", single, graph.integers(output.shape))
        return graph.add("Expand", single, graph.add("Shape", graph.of(node.value(0))))

    return translate


def pad(graph: OnnxGraph, node: Node) -> str:
    """Pad (constant zeros), PadV3 and ConstantPadND."""
    rank, dtype = len(node.shape(0)), node.outputs[0].dtype
    mode = str(node.argument(3, "mode", node.attributes.get("mode", "constant")))
    if mode not in ("constant", "0"):
        raise node.refused(f"mode {mode} is not supported")
    before, after = _padding(node, rank)
    filler = graph.of(node.argument(2, "value", 0), dtype)
    return graph.add(
        "Pad", graph.of(node.value(0)), graph.integers([*before, *after]), filler, mode="constant"
    )


def _padding(node: Node, rank: int) -> tuple[list[int], list[int]]:
    """Elements before and after each axis."""
    if node.operator == "Pad":
        pairs = node.attributes["paddings"]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    flat = node.integers(1, "paddings")  # of the last axis first
    before, after = [0] * rank, [0] * rank
    for index in range(len(flat) // 2):
        before[rank - 1 - index], after[rank - 1 - index] = flat[2 * index], flat[2 * index + 1]
    return before, after


def identity(graph: OnnxGraph, node: Node) -> str:
    """Operators that only order or copy."""
    return graph.of(node.value(0))


SHAPE: Mapping[str, Translate] = {
    "Shape": shape,
    "Reshape": reshape,
    "ExpandDims": reshape,
    "Squeeze": reshape,
    "Flatten": reshape,
    "FlattenExt": reshape,
    "Transpose": transpose,
    "Concat": concat,
    "Stack": stack,
    "StackExt": stack,
    "Split": split,
    "SplitTensor": split,
    "SplitWithSize": split,
    "Chunk": split,
    "Tile": tile,
    "BroadcastTo": broadcast_to,
    "ZerosLike": filled(0),
    "OnesLike": filled(1),
    "ZerosLikeExt": filled(0),
    "OnesLikeExt": filled(1),
    "Pad": pad,
    "PadV3": pad,
    "ConstantPadND": pad,
    "Identity": identity,
}
