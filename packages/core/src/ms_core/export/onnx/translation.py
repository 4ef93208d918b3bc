"""What a translation of one operator is."""

from __future__ import annotations

from collections.abc import Callable

from ms_core.export.onnx.builder import OnnxGraph
from ms_core.export.onnx.graph import Node

Result = str | tuple[str | None, ...]
"""Names of the outputs; None for one that is not computed."""
Translate = Callable[[OnnxGraph, Node], Result]
"""Adds what computes the node to the graph."""
