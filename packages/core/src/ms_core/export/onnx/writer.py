"""Writing ONNX from an exported MINDIR file.

write_onnx(mindir, path, inputs=["images"], outputs=["boxes", "scores"]) -> OnnxFile(path, opset, operators);
`ms_core.export.verify_onnx.verify_onnx` proves what was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ms_core.atomic import atomic_write
from ms_core.errors import UserError
from ms_core.export.onnx.graph import UNKNOWN, Constant, Graph, Value, dtype_of, shape_of
from ms_core.export.onnx.mindir_file import LARGEST
from ms_core.export.onnx.read_mindir import read_mindir

if TYPE_CHECKING:
    import onnx

    from ms_core.export.onnx.builder import OnnxGraph
    from ms_core.export.onnx.translation import Translate

INSTALL = 'pip install "ms-core[onnx]"'
IR_VERSION = 7
"""Of the file format; the one that came with operator set 13."""
_HEADROOM = 1 << 26
"""Bytes for everything but weights."""
BATCH = "batch"
"""Name of the length that is free in a file for any number of pictures."""


@dataclass(frozen=True)
class OnnxFile:
    """What was written."""

    path: Path
    opset: int
    """Version of the operator set the file states."""
    operators: Mapping[str, int]
    """ONNX operator -> how often it occurs."""


def write_onnx(
    mindir: Path,
    path: Path,
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_batch: bool = False,
) -> OnnxFile:
    """Write the graph of a MINDIR file as ONNX; the file appears complete or not at all.

    Args:
        mindir: not encrypted, as `export_mindir` wrote it.
        path: file to write, ending in `.onnx`; its folder must exist, an older file is replaced.
        inputs: names for the inputs, in order.
        outputs: names for the outputs, in order.
        dynamic_batch: the file takes any number of pictures. The MINDIR file must do so, too: export it with an input
            shape that begins with None.

    Raises:
        UserError: a file that is missing, damaged, encrypted or above 2 GB; an operator without translation, named
            with its place in the network; or a batch that is not what was asked for. Nothing is written then.
    """
    try:
        from onnx import checker

        from ms_core.export.onnx.builder import OPSET
    except ImportError as error:
        raise UserError(f"{path}: writing ONNX needs the package onnx. Run {INSTALL}.") from error
    if path.suffix != ".onnx":
        raise UserError(f"{path}: the name of an ONNX file must end in .onnx. Choose another name.")
    graph = read_mindir(mindir)
    _check_batch(mindir, graph, dynamic_batch)
    try:
        model = _model(graph, inputs, outputs)
        checker.check_model(model, full_check=True)
    except UserError as error:
        raise UserError(f"{mindir}: {error}") from error
    with atomic_write(path, binary=True) as file:
        file.write(model.SerializeToString())
    return OnnxFile(path, OPSET, Counter(node.op_type for node in model.graph.node))


def translations() -> dict[str, Translate]:
    """MindSpore operator -> what writes it."""
    from ms_core.export.onnx.convolution import CONVOLUTION
    from ms_core.export.onnx.elementwise import ELEMENTWISE
    from ms_core.export.onnx.linear_algebra import LINEAR_ALGEBRA
    from ms_core.export.onnx.norm import NORM
    from ms_core.export.onnx.pooling import POOLING
    from ms_core.export.onnx.reduction import REDUCTION
    from ms_core.export.onnx.resize import RESIZE
    from ms_core.export.onnx.selection import SELECTION
    from ms_core.export.onnx.shape import SHAPE
    from ms_core.export.onnx.slicing import SLICING

    return {
        **CONVOLUTION,
        **ELEMENTWISE,
        **LINEAR_ALGEBRA,
        **NORM,
        **POOLING,
        **REDUCTION,
        **RESIZE,
        **SELECTION,
        **SHAPE,
        **SLICING,
    }


def _check_batch(mindir: Path, graph: Graph, dynamic: bool) -> None:
    """What was asked for must be what the file holds."""
    for value in graph.inputs:
        free = [axis for axis, length in enumerate(value.shape) if length == UNKNOWN]
        if free not in ([], [0]):
            raise UserError(
                f"{mindir}: lengths {free} of input {value.name.rpartition(':')[2]} are free, only the number of "
                "pictures may be. Export it with a fixed size."
            )
    free_inputs = any(UNKNOWN in value.shape for value in graph.inputs)
    if dynamic and not free_inputs:
        raise UserError(
            f"{mindir}: was exported for {graph.inputs[0].shape[0]} pictures at once, so its ONNX file cannot take "
            "any number. Export it with an input shape that begins with None."
        )
    if free_inputs and not dynamic:
        raise UserError(
            f"{mindir}: was exported for any number of pictures. Ask for that, or export it anew."
        )


def _model(graph: Graph, inputs: Sequence[str], outputs: Sequence[str]) -> onnx.ModelProto:
    from onnx import helper

    from ms_core.export.onnx.builder import OPSET

    if (len(inputs), len(outputs)) != (len(graph.inputs), len(graph.outputs)):
        raise ValueError(
            f"the graph has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, "
            f"names were given for {len(inputs)} and {len(outputs)}"
        )
    written = _translated(graph, inputs, outputs)
    written.finish([written.of(value) for value in graph.outputs], outputs)
    shapes = [shape_of(value) for value in graph.outputs]
    if any(UNKNOWN in shape_of(value) for value in graph.inputs):
        shapes = _with_free_batch(written, graph, inputs, outputs)
    if sum(array.nbytes for array in written.constants.values()) > LARGEST - _HEADROOM:
        raise UserError("its weights are above 2 GB, which no ONNX file can hold. Export it as mindir only.")
    return helper.make_model(
        helper.make_graph(
            written.nodes,
            "network",
            [
                _described(name, value, shape_of(value))
                for name, value in zip(inputs, graph.inputs, strict=True)
            ],
            [_described(*output) for output in zip(outputs, graph.outputs, shapes, strict=True)],
            written.initializers(),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="ms-core",
    )


def _with_free_batch(
    written: OnnxGraph, graph: Graph, inputs: Sequence[str], outputs: Sequence[str]
) -> list[tuple[int, ...]]:
    """Simplify what depends on the number of pictures; the lengths of the outputs."""
    from ms_core.export.onnx.free_batch import FreeBatch

    given = {name: (value.dtype, value.shape) for name, value in zip(inputs, graph.inputs, strict=True)}
    free = FreeBatch(written.nodes, written.constants, given)
    for name in outputs:
        if not free.begins_with_batch(name):
            raise UserError(
                f"output {name}: it cannot be shown that its first length alone is the number of pictures. Export "
                "the model for a fixed number."
            )
    free.plain_reshapes(written.nodes, written.constants)
    written.prune(outputs)
    return [(UNKNOWN, *(free.lengths(name) or ())[1:]) for name in outputs]


def _translated(graph: Graph, inputs: Sequence[str], outputs: Sequence[str]) -> OnnxGraph:
    from ms_core.export.onnx.builder import OnnxGraph

    known = translations()
    for node in graph.nodes:
        if node.operator not in known:
            raise node.refused("has no translation to ONNX")
    written = OnnxGraph(reserved=(*inputs, *outputs))
    for value, name in zip(graph.inputs, inputs, strict=True):
        written.bind(value, name)
    for node in graph.nodes:
        written.scope = node.scope
        result = known[node.operator](written, node)
        names = (result,) if isinstance(result, str) else result
        for output, found in zip(node.outputs, names, strict=True):
            if found is not None:
                written.bind(output, found)
    return written


def _described(name: str, value: Value | Constant, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    """Name, type and lengths of an input or output."""
    from onnx import helper

    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(dtype_of(value)))
    lengths = [BATCH if length == UNKNOWN else length for length in shape]
    return helper.make_tensor_value_info(name, dtype, lengths)
