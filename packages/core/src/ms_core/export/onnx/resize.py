"""Maps of another size.

There is no Resize node in what is written: MindSpore Lite's converter misreads it silently. Bilinear interpolation is
linear in each direction and so a product with one small matrix a direction; nearest neighbours are a choice of rows
and columns.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import UNKNOWN, Node
from ms_core.export.onnx.translation import Translate


def resize_bilinear(graph: OnnxGraph, node: Node) -> str:
    """ResizeBilinearV2: (x, size, align_corners, half_pixel_centers)."""
    corners = bool(node.argument(2, "align_corners", False))
    return _bilinear(graph, node, corners, bool(node.argument(3, "half_pixel_centers", False)))


def upsample_bilinear(graph: OnnxGraph, node: Node) -> str:
    """UpsampleBilinear2D: (x, size, scales, align_corners); the other grid has half-pixel centres."""
    return _bilinear(graph, node, bool(node.argument(3, "align_corners", False)), True)


def _bilinear(graph: OnnxGraph, node: Node, corners: bool, half_pixel: bool) -> str:
    sides, sizes = _sides(node)
    dtype = node.outputs[0].dtype
    down, across = (
        graph.constant(_shares(_centres(side, size, corners, half_pixel), side).astype(dtype))
        for side, size in zip(sides, sizes, strict=True)
    )
    widened = graph.add("MatMul", graph.of(node.value(0)), graph.transpose(across, [1, 0]))
    return graph.add("MatMul", down, widened)


def resize_nearest(graph: OnnxGraph, node: Node) -> str:
    """ResizeNearestNeighbor and its second form: (x, size, align_corners, half_pixel_centers)."""
    corners = bool(node.attributes.get("align_corners", node.argument(2, "align_corners", False)))
    half_pixel = bool(
        node.attributes.get("half_pixel_centers", node.argument(3, "half_pixel_centers", False))
    )
    name = graph.of(node.value(0))
    for axis, side, size in zip((2, 3), *_sides(node), strict=True):
        name = graph.add("Gather", name, graph.integers(_nearest(side, size, corners, half_pixel)), axis=axis)
    return name


def _sides(node: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Height and width before and after."""
    before, after = node.shape(0)[2:], node.outputs[0].shape[2:]
    if UNKNOWN in (*before, *after):
        raise node.refused("height and width are not known before it runs")
    return before, after


def _centres(side: int, size: int, corners: bool, half_pixel: bool) -> np.ndarray:
    """Where the cells of the new axis lie on the old one, float64 [size]."""
    cells = np.arange(size, dtype=np.float64)
    if corners:
        return cells * ((side - 1) / (size - 1) if size > 1 else 0.0)
    if half_pixel:
        return np.maximum((cells + 0.5) * (side / size) - 0.5, 0.0)
    return cells * (side / size)


def _shares(centres: np.ndarray, side: int) -> np.ndarray:
    """[size, side]: the share of each old cell in each new one; beyond the last centre it is repeated."""
    places = np.minimum(centres, side - 1)
    return np.maximum(1.0 - np.abs(places[:, None] - np.arange(side)[None]), 0.0)


def _nearest(side: int, size: int, corners: bool, half_pixel: bool) -> list[int]:
    """The old cell of each new one; scales are float32, as MindSpore's are."""
    cells = np.arange(size, dtype=np.float32)
    if corners:
        scale = np.float32((side - 1) / (size - 1)) if size > 1 else np.float32(0)
        places = np.floor(cells * scale + np.float32(0.5))
    else:
        shift = np.float32(0.5 if half_pixel else 0.0)
        places = np.floor((cells + shift) * np.float32(side / size))
    return np.clip(places.astype(np.int64), 0, side - 1).tolist()


RESIZE: Mapping[str, Translate] = {
    "ResizeBilinearV2": resize_bilinear,
    "UpsampleBilinear2D": upsample_bilinear,
    "ResizeNearestNeighbor": resize_nearest,
    "ResizeNearestNeighborV2": resize_nearest,
}
