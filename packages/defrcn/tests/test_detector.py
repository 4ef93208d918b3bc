"""Detections of single pictures, padded and as they are."""

from dataclasses import replace
from pathlib import Path

import cv2
import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_defrcn.calibration import Calibration, Prototypes
from ms_defrcn.config import DeFRCNConfig, InputConfig, PcbConfig
from ms_defrcn.detector import Detector, detect_all
from ms_defrcn.models import build_model
from ms_defrcn.pipeline import test_input as network_input
from ms_defrcn.postprocess import postprocess
from trained_files import CLASSES, PROPOSALS, FakeDescriber, small_config


@pytest.fixture(scope="module")
def network():
    network = build_model("defrcn_r18", 3, proposals=PROPOSALS)
    network.set_train(False)
    return network


@pytest.fixture
def config(tmp_path) -> DeFRCNConfig:
    return small_config(tmp_path)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def same(one: Detections, other: Detections) -> bool:
    return (
        np.array_equal(one.labels, other.labels)
        and np.allclose(one.scores, other.scores, atol=1e-5)
        and np.allclose(one.boxes, other.boxes, atol=1e-2)
    )


def test_boxes_are_in_pixels_of_the_picture(network, config):
    found = Detector(network, config).detect(picture(200, 300))
    assert 0 < len(found) <= 10
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [300, 200, 300, 200]).all()
    assert found.boxes[:, 2].max() > 100  # not in those of the network's input, 64x96
    assert (np.diff(found.scores) <= 0).all()


def test_a_detector_is_input_network_and_postprocessing(network, config):
    image = picture(90, 50, 1)
    pixels, sizes, scale = network_input(image, config)
    boxes, scores, valid = (o.asnumpy()[0] for o in network(Tensor(pixels), Tensor(sizes)))
    expected = postprocess(
        boxes,
        scores,
        valid,
        scale=(float(scale[0]), float(scale[1])),
        size=(90, 50),
        config=config.postprocess,
    )
    assert same(Detector(network, config).detect(image), expected)


def test_exact_mode_compiles_one_graph_for_all_sizes(config, graph_mode):
    network = build_model("defrcn_r18", 3, proposals=PROPOSALS)  # one that never ran by operation compiles
    network.set_train(False)
    exact = replace(config, input=replace(config.input, shapes="exact"))
    told: list[str] = []
    detector = Detector(network, exact, say=told.append)
    images = [picture(64, 64), picture(64, 83, 1), picture(90, 70, 2)]
    found = [detector.detect(image) for image in images]
    assert len(told) == 1
    assert "any size" in told[0]
    ms.set_context(mode=ms.PYNATIVE_MODE)
    for image, detections in zip(images, found, strict=True):
        assert same(detections, Detector(network, exact).detect(image))


def test_padded_mode_says_for_which_shape_it_compiles(network, config, graph_mode):
    told: list[str] = []
    detector = Detector(network, config, say=told.append)
    for image in (picture(64, 96), picture(60, 88), picture(64, 90)):
        detector.detect(image)
    assert [line.partition(",")[0] for line in told] == [
        "compiling the inference graph for pictures of 64x96"
    ]


def test_a_network_in_training_stays_so(config):
    network = build_model("defrcn_r18", 3, proposals=PROPOSALS, dropout=0.9)
    network.set_train(True)
    detector = Detector(network, config)
    first, second = detector.detect(picture(64, 64)), detector.detect(picture(64, 64))
    assert same(first, second)  # nothing is dropped
    assert network.training
    assert network.roi_heads.box_predictor.training


def test_novel_scores_are_calibrated_by_the_original_picture(network, config):
    describer = FakeDescriber()
    prototypes = Prototypes(("triangle",), np.ones((1, 4), np.float32))
    calibration = Calibration(describer, prototypes, CLASSES, PcbConfig(lower=0.0))
    image = picture(64, 64)
    plain = Detector(network, config).detect(image)
    calibrated = Detector(network, config, calibration).detect(image)
    assert describer.pictures == 1
    for label, mixed in ((0, False), (1, False), (2, True)):
        scores = np.sort(plain.scores[plain.labels == label])
        expected = 0.5 * scores + 0.5 if mixed else scores
        np.testing.assert_allclose(
            np.sort(calibrated.scores[calibrated.labels == label]), expected, atol=1e-6
        )
    assert (np.diff(calibrated.scores) <= 0).all()


def test_pictures_come_in_order_and_a_missing_one_is_named(network, config, tmp_path):
    paths = []
    for number in range(5):
        paths.append(tmp_path / f"{number}.png")
        assert cv2.imwrite(str(paths[-1]), picture(64, 64, number))
    detector = Detector(network, config)
    found = dict(detect_all(detector, paths, workers=1))
    assert list(found) == paths
    assert same(found[paths[3]], detector.detect(picture(64, 64, 3)[:, :, ::-1].copy()))
    with pytest.raises(UserError, match=r"none\.jpg: no such image file"):
        list(detect_all(detector, [Path("none.jpg")]))


def test_without_padding_both_modes_agree(network, config):
    """A picture that fills its shape is computed alike in both modes."""
    exact = replace(
        config, input=InputConfig(short_sides=(64,), test_short_side=64, max_side=96, shapes="exact")
    )
    image = picture(64, 96)
    assert same(Detector(network, config).detect(image), Detector(network, exact).detect(image))
