"""Regions in blocks, and their description by the detector itself."""

import numpy as np
import pytest
from ms_defrcn.config import DeFRCNConfig, InputConfig, ProposalConfig
from ms_defrcn.regions import AT_ONCE, filled_up


def test_blocks_of_one_size():
    boxes = np.array([[1, 2, 3, 4], [5, 6, 7, 9]], np.float32)
    block = filled_up(boxes)
    assert block.shape == (AT_ONCE, 4)
    np.testing.assert_array_equal(block[:2], boxes)
    assert (block[2:] == [0, 0, 1, 1]).all()


@pytest.mark.usefixtures("graph_mode")
def test_the_detector_describes_a_region_by_what_its_classifier_sees():
    from mindspore import Tensor
    from ms_core.networks.mode import inference_mode
    from ms_defrcn import pipeline
    from ms_defrcn.detector_describer import DetectorDescriber
    from ms_defrcn.models import build_model

    network = build_model("defrcn_r18", 2, proposals=ProposalConfig(test_before_nms=50, test_after_nms=5))
    config = DeFRCNConfig(input=InputConfig(short_sides=(64,), test_short_side=64, max_side=96))
    image = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)  # enlarged to 64x80
    boxes = np.array([[2, 3, 30, 28], [10, 4, 38, 20]], np.float32)
    found = DetectorDescriber(network, config)(image, boxes)
    pixels, _, (across, down) = pipeline.test_input(image, config)
    scaled = boxes * np.array([across, down, across, down], np.float32)
    with inference_mode(network):
        features = network.features(Tensor(pixels))
        expected = network.roi_features(features, Tensor(scaled[None])).asnumpy()
    assert found.shape == (2, 512)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert DetectorDescriber(network, config)(image, boxes[:0]).shape == (0, 512)
