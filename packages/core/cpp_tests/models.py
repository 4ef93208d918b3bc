"""A tiny stand-in for an exported detector: an ONNX file and its manifest, made in milliseconds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MEAN = tuple(255 * value for value in (0.485, 0.456, 0.406))
STD = tuple(255 * value for value in (0.229, 0.224, 0.225))
BOXES = 6
"""Boxes of the stand-in, as many rows and columns as its pooled picture has."""


def write_export(folder: Path, size: tuple[int, int] = (32, 48), **changes: Any) -> Path:
    """An export folder with model.onnx: boxes [1, 6, 4] and scores [1, 6, 2], which depend on every pixel.

    Args:
        folder: made.
        size: (height, width) of the input; multiples of 2 and 3.
        changes: entries of the manifest's `input`, such as layout, dtype, channels.
    """
    folder.mkdir(parents=True)
    entry = _input_entry(size) | changes
    model = folder / "model.onnx"
    onnx.save(_network(size, entry), str(model))
    _write_manifest(folder, model, entry)
    return folder


def _input_entry(size: tuple[int, int]) -> dict[str, Any]:
    return {
        "name": "images",
        "shape": [1, 3, *size],
        "dtype": "float32",
        "layout": "NCHW",
        "channels": "RGB",
        "mean": MEAN,
        "std": STD,
        "normalised_inside": False,
        "resize": "stretch",
    }


def _network(size: tuple[int, int], entry: dict[str, Any]) -> onnx.ModelProto:
    """Means of the picture's 2x3 parts, times two matrices."""
    rng = np.random.default_rng(7)
    kind = TensorProto.UINT8 if entry["dtype"] == "uint8" else TensorProto.FLOAT
    nodes = [helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)]
    planes = "floats"
    if entry["layout"] == "NHWC":
        nodes.append(helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]))
        planes = "planes"
    part = [size[0] // 2, size[1] // 3]
    nodes += [
        helper.make_node("AveragePool", [planes], ["parts"], kernel_shape=part, strides=part),
        helper.make_node("Transpose", ["parts"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last", "rows"], ["features"]),
        helper.make_node("MatMul", ["features", "to_boxes"], ["boxes"]),
        helper.make_node("MatMul", ["features", "to_scores"], ["scores"]),
    ]
    constants = {
        "rows": np.array([1, BOXES, 3]),
        "to_boxes": rng.normal(size=(3, 4)).astype(np.float32),
        "to_scores": rng.normal(size=(3, 2)).astype(np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("images", kind, entry["shape"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, BOXES, last]) for name, last in _OUTPUTS],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


_OUTPUTS = (("boxes", 4), ("scores", 2))


def _write_manifest(folder: Path, model: Path, entry: dict[str, Any]) -> None:
    content = {
        "format_version": 2,
        "task": "detection",
        "package": "ms-ssd",
        "model": "ssd300",
        "files": [
            {
                "format": "onnx",
                "name": model.name,
                "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
                "encrypted": False,
                "opset": 17,
            }
        ],
        "input": entry,
        "more_inputs": [],
        "output_form": "decoded",
        "outputs": [{"name": name, "shape": [1, BOXES, last], "dtype": "float32"} for name, last in _OUTPUTS],
        "classes": ["thing"],
        "category_ids": [1],
        "boxes": "relative",
        "scores": "sigmoid",
        "postprocess": {
            "min_score": 0.1,
            "nms_threshold": 0.6,
            "max_per_class": 100,
            "max_detections": None,
            "plus_one": False,
            "class_agnostic": False,
        },
    }
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
