"""The calibration network against reference numbers of torchvision's ResNet-101 and the original's calibration."""

import json
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from ms_core.detection.detections import Detections
from ms_defrcn.calibration import Calibration, Prototypes
from ms_defrcn.config import PcbConfig
from ms_defrcn.pcb_network import LateStrideBottleneck, PcbNetwork, torchvision_name
from ms_defrcn.region_describer import RegionDescriber
from ms_defrcn.resnet import Layout

GOLDEN = Path(__file__).parent / "golden"
TINY = Layout(LateStrideBottleneck, (1, 1, 1, 1), (256, 512, 1024, 2048))
LEAVES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def torch_name(name: str) -> str:
    """Name of one of our parameters in a torchvision file."""
    module, _, leaf = name.rpartition(".")
    return f"{module}.{LEAVES.get(leaf, leaf)}"


def block_picture(height: int, width: int, seed: int) -> np.ndarray:
    """The reference's picture of constant cells, which no resampling changes; uint8 RGB."""
    low = np.random.default_rng(seed).integers(0, 256, (height // 32, width // 32, 3), dtype=np.uint8)
    return np.ascontiguousarray(np.repeat(np.repeat(low, 32, 0), 32, 1)[:, :, ::-1])


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "pcb.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def network(golden_weight):
    network = PcbNetwork()
    for parameter in network.get_parameters():
        value = golden_weight(torch_name(parameter.name), tuple(parameter.shape))
        parameter.set_data(Tensor(value))
    return network


@pytest.fixture(scope="module")
def describer(network):
    return RegionDescriber(network)


@pytest.fixture(scope="module")
def support_features(describer, golden):
    """Of the five boxes in each of five support pictures, [25, 1000]."""
    boxes = golden["support_boxes"].reshape(5, 5, 4)
    return np.concatenate([describer(block_picture(192, 256, 100 + i), boxes[i]) for i in range(5)])


@pytest.fixture(scope="module")
def prototypes(support_features):
    """Of the twenty novel classes; the 25 boxes show one after the other, from the first again."""
    labels = np.arange(25) % 20
    return np.stack([support_features[labels == label].mean(0) for label in range(20)])


def test_parameters_have_the_names_and_shapes_of_torchvision():
    ours = {torch_name(p.name): list(p.shape) for p in PcbNetwork().get_parameters()}
    theirs = json.loads((GOLDEN / "params_pcb_resnet101.json").read_text())
    assert ours == {name: shape for name, shape in theirs.items() if not name.endswith("num_batches_tracked")}


def test_nothing_is_trained():
    assert not PcbNetwork(TINY).trainable_params()


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("stem.conv1.norm.beta", "bn1.beta"),
        ("res4.22.conv3.weight", "layer3.22.conv3.weight"),
        ("res2.0.shortcut.norm.gamma", "layer1.0.downsample.1.gamma"),
        ("fc.bias", "fc.bias"),
    ],
)
def test_names(name, theirs):
    assert torchvision_name(name) == theirs


def test_last_map(network, golden):
    image = block_picture(192, 256, 100)
    pixels = (image / np.float32(255) - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    features = network.features(Tensor(pixels.transpose(2, 0, 1)[None].astype(np.float32))).asnumpy()
    assert features.shape == (1, 2048, 6, 8)
    np.testing.assert_allclose(features[0][golden["s0_layer4_ch"]], golden["s0_layer4"], atol=1e-4)
    logits = network.fc(Tensor(features.mean((2, 3)))).asnumpy()[0]
    np.testing.assert_allclose(logits, golden["s0_logits"], atol=1e-4)


def test_descriptions_of_the_support_set(support_features, prototypes, golden):
    np.testing.assert_allclose(support_features, golden["support_feat"], atol=1e-4)
    np.testing.assert_array_equal(golden["proto_labels"], np.arange(20))
    np.testing.assert_allclose(prototypes, golden["prototypes"], atol=1e-4)


def test_calibrated_scores(describer, prototypes, golden):
    names = tuple(f"class {label}" for label in range(20))
    calibration = Calibration(describer, Prototypes(names, prototypes), names, PcbConfig())
    found = Detections(golden["boxes"], golden["scores_before"], golden["classes"])
    image = block_picture(256, 320, 0)
    np.testing.assert_allclose(calibration.scores(image, found), golden["scores_after"], atol=1e-4)
    assert calibration(image, found).scores[0] == pytest.approx(0.864382, abs=1e-4)
