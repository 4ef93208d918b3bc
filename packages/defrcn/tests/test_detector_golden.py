"""From a picture to detections, against the original with the same weights: `defrcn_r101` with 20 novel classes."""

from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from ms_defrcn.config import DeFRCNConfig, InputConfig, ProposalConfig
from ms_defrcn.detector import Detector
from ms_defrcn.models import build_model

GOLDEN = Path(__file__).parent / "golden"
HEIGHT, WIDTH = 256, 320
LEAVES = {
    "norm.gamma": "norm.weight",
    "norm.beta": "norm.bias",
    "norm.moving_mean": "norm.running_mean",
    "norm.moving_variance": "norm.running_var",
}


def detectron2_name(name: str) -> str:
    for ours, theirs in LEAVES.items():
        name = name.replace(ours, theirs)
    return name


@pytest.fixture(scope="module")
def network(golden_weight):
    network = build_model("defrcn_r101", 20, proposals=ProposalConfig(test_after_nms=100))
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(golden_weight(detectron2_name(parameter.name), tuple(parameter.shape))))
    network.set_train(False)
    return network


def test_detections_in_the_reference_picture(network):
    low = np.random.default_rng(0).integers(0, 256, (HEIGHT // 32, WIDTH // 32, 3), dtype=np.uint8)
    image = np.repeat(np.repeat(low, 32, 0), 32, 1)[:, :, ::-1]
    config = DeFRCNConfig(input=InputConfig(test_short_side=HEIGHT, shapes="exact"))
    found = Detector(network, config).detect(np.ascontiguousarray(image))
    with np.load(GOLDEN / "detections_fsod.npz") as golden:
        boxes, scores, labels = golden["det_boxes"], golden["det_scores"], golden["det_classes"]
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_allclose(found.scores, scores, atol=1e-4)
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-2)
    assert found.scores[0] == pytest.approx(0.735312, abs=1e-5)
