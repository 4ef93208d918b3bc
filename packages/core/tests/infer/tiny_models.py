"""Export folders with ONNX graphs of a few nodes, so that no network has to be compiled."""

from pathlib import Path

import numpy as np
import onnx
from ms_core.export.manifest import (
    DetectionManifest,
    ImageInput,
    ModelFile,
    Postprocess,
    TensorSpec,
    file_sha256,
    write_manifest,
)
from onnx import TensorProto, helper, numpy_helper

SIZE, BOXES, CLASSES = (20, 30), 6, ("cat", "dog")
MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
RNG = np.random.default_rng(4)
WEIGHTS = RNG.standard_normal((1, BOXES, 3)).astype(np.float32)
CORNERS = np.sort(RNG.random((1, BOXES, 2, 2)), axis=2).reshape(1, BOXES, 4).astype(np.float32)


def expected(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the graph of `write_export` gives for float32 [1, 3, H, W]."""
    means = images.mean(axis=(2, 3))[:, None, :]
    return CORNERS, 1 / (1 + np.exp(-means * WEIGHTS))


def write_export(folder: Path, *, form: str = "decoded", encrypted: bool = False) -> DetectionManifest:
    """A detector whose scores follow from the mean colour; with `encrypted` the file is only said to be a MINDIR."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "tiny.mindir" if encrypted else "tiny.onnx"
    (folder / name).write_bytes(_graph().SerializeToString())
    file = ModelFile(
        format="mindir" if encrypted else "onnx",
        name=name,
        sha256=file_sha256(folder / name),
        encrypted=encrypted,
        opset=None if encrypted else 13,
    )
    manifest = DetectionManifest(
        package="ms-ssd",
        model="tiny",
        files=(file,),
        input=ImageInput(name="images", shape=(1, 3, *SIZE), dtype="float32", mean=MEAN, std=STD),
        output_form=form,
        outputs=(
            TensorSpec(name="boxes", shape=(1, BOXES, 4), dtype="float32"),
            TensorSpec(name="scores", shape=(1, BOXES, 3), dtype="float32"),
        ),
        classes=CLASSES,
        category_ids=(1, 2),
        boxes="corners",
        scores="sigmoid",
        postprocess=Postprocess(min_score=0.1, nms_threshold=0.6, max_per_class=100),
    )
    write_manifest(manifest, folder)
    return manifest


def _graph() -> onnx.ModelProto:
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "row"], ["means"]),
        helper.make_node("Mul", ["means", "weights"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
        helper.make_node("Identity", ["corners"], ["boxes"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 1, 3], np.int64), "row"),
        numpy_helper.from_array(WEIGHTS, "weights"),
        numpy_helper.from_array(CORNERS, "corners"),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [info("images", TensorProto.FLOAT, [1, 3, *SIZE])],
        [info("boxes", TensorProto.FLOAT, [1, BOXES, 4]), info("scores", TensorProto.FLOAT, [1, BOXES, 3])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model
