"""The exported ssd300, with decoding inside the graph, in this and in a fresh process."""

from pathlib import Path

import numpy as np
from ms_core.export.mindir import export_mindir
from ms_core.export.reload import run_mindir
from ms_core.export.verify import verify_mindir
from ms_core.networks.inference import InferenceModel
from ms_ssd import build_model


def test_mindir_agrees_with_the_network(tmp_path: Path) -> None:
    network = build_model("ssd300", 4).set_train(True)
    model = InferenceModel(network)
    images = np.random.default_rng(0).standard_normal((1, 3, 300, 300)).astype(np.float32)
    path = export_mindir(model, images.shape, tmp_path / "ssd300.mindir")
    assert verify_mindir(path, model, images) <= 1e-6
    assert verify_mindir(path, model, images, new_process=True) <= 1e-6
    boxes, scores = run_mindir(path, images)
    assert (boxes.shape, scores.shape) == ((1, 1917, 4), (1, 1917, 4))
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    assert network.training
    assert next(network.get_parameters()).name == "backbone.expand_layer_conv_13.features.0.weight"
