"""Decoding inside the graph, and modes."""

import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.detection.anchors import Anchors
from ms_core.detection.coding import decode_boxes
from ms_core.networks.inference import InferenceModel
from ms_core.networks.mode import inference_mode
from ms_core.networks.single_shot import SingleShotNetwork

ANCHORS = Anchors(
    xywh=np.float32([[0.5, 0.5, 0.2, 0.4], [0.1, 0.9, 0.3, 0.1], [0.9, 0.1, 0.5, 0.5]]),
    tlbr=np.zeros((3, 4), np.float32),
)


class FixedOutputs(SingleShotNetwork):
    """Answers every picture with the same predictions, scaled by a weight."""

    def __init__(self, deltas: np.ndarray, logits: np.ndarray) -> None:
        super().__init__(
            name="fixed",
            num_classes=logits.shape[-1],
            input_size=(8, 8),
            anchors=ANCHORS,
            loss_alpha=0.75,
            loss_loc_reduce="sum",
            padding="same",
            variant="zoo",
            backbone_prefixes=(),
        )
        self.norm = nn.BatchNorm2d(3)
        self.deltas, self.logits = Tensor(deltas), Tensor(logits)

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        nothing = 0 * self.norm(images).sum()
        return self.deltas + nothing, self.logits + nothing


@pytest.fixture
def network() -> FixedOutputs:
    rng = np.random.default_rng(0)
    return FixedOutputs(
        3 * rng.standard_normal((2, 3, 4)).astype(np.float32),
        rng.standard_normal((2, 3, 5)).astype(np.float32),
    )


IMAGES = Tensor(np.ones((2, 3, 8, 8), np.float32))


def test_boxes_are_decoded_and_clipped(network: FixedOutputs) -> None:
    boxes = InferenceModel(network).set_train(False)(IMAGES)[0].asnumpy()
    expected = decode_boxes(network.deltas.asnumpy(), ANCHORS.xywh, (0.1, 0.2))
    np.testing.assert_allclose(boxes, np.clip(expected, 0, 1), atol=1e-6)
    assert boxes.min() == 0
    assert boxes.max() == 1


def test_scores_are_independent_sigmoids_with_background(network: FixedOutputs) -> None:
    scores = InferenceModel(network).set_train(False)(IMAGES)[1].asnumpy()
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-network.logits.asnumpy())), rtol=1e-5)


def test_parameter_names_of_the_detector_stay(network: FixedOutputs) -> None:
    before = [parameter.name for parameter in network.get_parameters()]
    model = InferenceModel(network)
    assert [parameter.name for parameter in network.get_parameters()] == before
    assert [parameter.name for parameter in model.get_parameters()] == before


def test_inference_mode_restores_every_cell() -> None:
    network = nn.SequentialCell([nn.BatchNorm2d(2), nn.BatchNorm2d(2)]).set_train(True)
    network[1].set_train(False)  # a frozen normalisation
    with inference_mode(network):
        assert not any(cell.training for _, cell in network.cells_and_names())
    assert [network.training, network[0].training, network[1].training] == [True, True, False]
    assert network.phase == "train"


def test_inference_mode_leaves_the_statistics_of_training_alone() -> None:
    network = nn.SequentialCell([nn.BatchNorm2d(3)]).set_train(True)
    with inference_mode(network):
        network(IMAGES)
    np.testing.assert_array_equal(network[0].moving_mean.asnumpy(), 0)
    network(IMAGES)
    assert network[0].moving_mean.asnumpy().any()
