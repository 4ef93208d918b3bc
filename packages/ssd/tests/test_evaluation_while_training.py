"""Evaluation while training measures the network that is used afterwards, on every picture."""

import json
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.data.open import open_dataset
from ms_core.detection.detections import Detections
from ms_core.detection.losses import SingleShotLoss
from ms_core.networks.mode import inference_mode
from ms_core.run_folder import RunFolder
from ms_core.single_shot.config import EvalConfig, PostprocessConfig
from ms_core.single_shot.detector import Detector
from ms_core.single_shot.evaluate import evaluate
from ms_core.single_shot.network import TrainingNetwork
from ms_ssd import build_model
from ms_ssd.cli import main

SELECTION = PostprocessConfig(min_score=0.01, max_per_class=20)


def found_by(detector: Detector, annotations: Path) -> dict[int, Detections]:
    """Detections by image id."""
    found: dict[int, Detections] = {}
    dataset = open_dataset(annotations)
    evaluate(detector, dataset, EvalConfig(), keep=lambda sample, some: found.update({sample.id: some}))
    return found


def test_the_best_checkpoint_measures_what_training_said(run: Path, tmp_path: Path) -> None:
    """Old defect: in-loop evaluation of ssd300 saw raw logits, so min_score and the best checkpoint meant nothing."""
    (record,) = [r for r in RunFolder(run).read_metrics() if r["kind"] == "evaluation"]
    assert main(["eval", str(run), "--out", str(tmp_path / "eval")]) == 0
    measured = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert measured["images"] == 3  # of batches of two
    names = [name for name in record if name.startswith(("AP", "AR"))]
    assert len(names) == 12
    defined = [name for name in names if measured[name] is not None]
    assert max(measured[name] for name in defined) > 0
    for name in defined:
        assert measured[name] == pytest.approx(record[name], abs=1e-6), name
    assert all(record[name] == -1 for name in names if name not in defined)  # no object of that size


def test_inside_a_training_network_nothing_is_lost_or_left_behind(demo_run: Path) -> None:
    """Old defects: no sigmoid, the training batch size with its tail dropped, evaluation mode for ever after."""
    annotations = demo_run / "shapes" / "val.json"
    network = build_model("ssd300", 4)
    for name, parameter in network.parameters_dict().items():
        if name.endswith("3.bias"):  # some scores above, some below min_score
            rng = np.random.default_rng(len(name))
            parameter.set_data(Tensor(rng.normal(-4, 2, parameter.shape), ms.float32))
    plain = found_by(Detector(network.set_train(False), SELECTION, batch_size=1), annotations)
    training = TrainingNetwork(network, SingleShotLoss(0.75))
    training.set_train(True)
    before = {name: parameter.asnumpy().copy() for name, parameter in network.parameters_dict().items()}
    with inference_mode(training):
        inside = found_by(Detector(training.network, SELECTION, batch_size=2), annotations)
    assert inside.keys() == plain.keys()
    assert len(inside) == 3
    for image, found in inside.items():
        assert 0 < len(found.scores) <= 60
        assert found.scores.min() > 0.01
        assert found.scores.max() < 1
        np.testing.assert_allclose(found.scores, plain[image].scores, atol=1e-5)
        np.testing.assert_allclose(found.boxes, plain[image].boxes, atol=1e-2)
    assert all(cell.training for _, cell in training.cells_and_names())
    for name, parameter in network.parameters_dict().items():
        np.testing.assert_array_equal(parameter.asnumpy(), before[name])
