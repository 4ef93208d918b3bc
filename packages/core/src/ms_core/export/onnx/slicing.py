"""Parts of tensors, cut out by begin, end and step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import UNKNOWN, Node
from ms_core.export.onnx.translation import Translate

_FAR = np.iinfo(np.int64).max
"""An end beyond every axis."""


@dataclass(frozen=True)
class _Cut:
    """What is taken of one axis."""

    axis: int
    begin: int
    end: int
    step: int

    def is_whole(self, length: int) -> bool:
        """Whether all of an axis of this length is taken as it is."""
        ends = self.end >= length if length != UNKNOWN else self.end == _FAR
        return self.step == 1 and self.begin == 0 and ends


def strided_slice(graph: OnnxGraph, node: Node) -> str:
    """StridedSlice: (x, begin, end, strides, five masks), the masks as TensorFlow defines them."""
    lengths = node.shape(0)
    cuts = [cut for cut in _cuts(node, len(lengths)) if not cut.is_whole(lengths[cut.axis])]
    name = graph.of(node.value(0))
    if cuts:
        name = _cut(graph, name, cuts)
    if len(node.outputs[0].shape) != len(lengths) or _mask(node, 7, "new_axis_mask"):
        name = graph.set_shape(name, node, node.outputs[0].shape)
    return name


def _cuts(node: Node, rank: int) -> list[_Cut]:
    begins, ends, steps = (
        node.integers(place, name) for place, name in ((1, "begin"), (2, "end"), (3, "strides"))
    )
    masks = [_mask(node, place, name) for place, name in _MASKS]
    cuts: list[_Cut] = []
    axis = 0
    for index, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        from_start, to_end, ellipsis, new_axis, single = (bool(mask >> index & 1) for mask in masks)
        if ellipsis:
            later = [i for i in range(index + 1, len(begins)) if not masks[3] >> i & 1]
            axis = rank - len(later)
        elif not new_axis:
            if single:
                cuts.append(_Cut(axis, begin, begin + 1 if begin != -1 else _FAR, 1))
            else:
                first = (0 if step > 0 else _FAR) if from_start else begin
                last = (_FAR if step > 0 else -_FAR) if to_end else end
                cuts.append(_Cut(axis, first, last, step))
            axis += 1
    return cuts


_MASKS = (
    (4, "begin_mask"),
    (5, "end_mask"),
    (6, "ellipsis_mask"),
    (7, "new_axis_mask"),
    (8, "shrink_axis_mask"),
)


def _mask(node: Node, position: int, name: str) -> int:
    return node.integer(position, name, 0)


def _cut(graph: OnnxGraph, name: str, cuts: list[_Cut]) -> str:
    begins, ends, axes, steps = (
        graph.integers(getattr(cut, field) for cut in cuts) for field in ("begin", "end", "axis", "step")
    )
    return graph.add("Slice", name, begins, ends, axes, steps)


def slice_ext(graph: OnnxGraph, node: Node) -> str:
    """SliceExt: (x, axis, begin, end, step)."""
    axis = node.axis(1, "dim", len(node.shape(0)))
    cut = _Cut(axis, node.integer(2, "start"), node.integer(3, "end"), node.integer(4, "step", 1))
    return _cut(graph, graph.of(node.value(0)), [cut])


def slice_(graph: OnnxGraph, node: Node) -> str:
    """Slice: (x, begin, size), size -1 for all that follows."""
    begins, sizes = node.integers(1, "begin"), node.integers(2, "size")
    cuts = [
        _Cut(axis, begin, _FAR if size == -1 else begin + size, 1)
        for axis, (begin, size) in enumerate(zip(begins, sizes, strict=True))
    ]
    lengths = node.shape(0)
    cuts = [cut for cut in cuts if not cut.is_whole(lengths[cut.axis])]
    return _cut(graph, graph.of(node.value(0)), cuts) if cuts else graph.of(node.value(0))


SLICING: Mapping[str, Translate] = {
    "StridedSlice": strided_slice,
    "SliceExt": slice_ext,
    "Slice": slice_,
}
