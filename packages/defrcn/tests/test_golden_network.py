"""The network stage by stage against the original's numbers (detectron2 and PyTorch on a CPU, float32).

Both have weights that follow from their names (`golden_weight`). Values are compared to 1e-4 of the largest one.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_defrcn.box_predictor import BoxPredictor
from ms_defrcn.config import ModelConfig, ProposalConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.models import MODELS
from ms_defrcn.roi_align import RoiAlign

GOLDEN = Path(__file__).parent / "golden"
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
SIZE = np.array([[256, 320]], np.float32)
NORM_LEAVES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
CLASSES = {"base": 60, "fsod": 20}
Weight = Callable[[str, tuple[int, ...]], np.ndarray]


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return dict(arrays)


def assert_close(ours: Tensor | np.ndarray, theirs: np.ndarray, tolerance: float = 1e-4) -> None:
    ours = ours.asnumpy() if isinstance(ours, Tensor) else ours
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


def fill(network: DeFRCN, weight: Weight, prefix: str = "") -> None:
    for name, parameter in network.parameters_and_names():
        if name.startswith(prefix):
            rest, _, leaf = name.rpartition(".")
            theirs = f"{rest}.{NORM_LEAVES.get(leaf, leaf)}"
            parameter.set_data(Tensor(weight(theirs, parameter.shape)))


def block_image() -> np.ndarray:
    """256x320, squares of 32 pixels, blue green red, minus the mean."""
    colours = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    image = np.repeat(np.repeat(colours, 32, 0), 32, 1).astype(np.float32) - MEAN
    return image.transpose(2, 0, 1)[None]


def noise_image() -> np.ndarray:
    image = np.random.default_rng(0).uniform(0, 255, (3, 256, 320)).astype(np.float32)
    return (image - MEAN[:, None, None])[None]


@pytest.fixture(scope="module", autouse=True)
def pynative() -> None:
    """Compiling this network takes minutes."""
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture(scope="module")
def network(golden_weight: Weight) -> DeFRCN:
    config = ModelConfig(name="defrcn_r101")
    proposals = ProposalConfig(test_after_nms=100)
    built = MODELS["defrcn_r101"](name="defrcn_r101", num_classes=60, config=config, proposals=proposals)
    fill(built, golden_weight)
    return built.set_train(False)


@pytest.fixture(scope="module", params=CLASSES)
def stage(request: pytest.FixtureRequest, network: DeFRCN, golden_weight: Weight) -> Iterator[str]:
    """The network with the predictor of a stage: base or fsod."""
    predictor, classes = network.roi_heads.box_predictor, network.num_classes
    own = BoxPredictor(2048, CLASSES[request.param], dropout=0.0).set_train(False)
    own.update_parameters_name("roi_heads.box_predictor.")
    network.roi_heads.box_predictor, network.num_classes = own, CLASSES[request.param]
    fill(network, golden_weight, "roi_heads.box_predictor.")
    yield request.param
    network.roi_heads.box_predictor, network.num_classes = predictor, classes


@pytest.fixture(scope="module")
def features(network: DeFRCN) -> Tensor:
    """res4 of the block image, our own."""
    return network.features(Tensor(block_image()))


def test_trunk(network: DeFRCN, features: Tensor) -> None:
    expected = golden("res4")
    trunk = network.backbone
    stem = trunk.stem(Tensor(block_image()))
    res2 = trunk.res2(stem)
    assert_close(stem[0, :32:16], expected["stem"])
    assert_close(res2[0, :96:32], expected["res2"])
    assert_close(trunk.res3(res2)[0, ::64], expected["res3"])
    res4 = features.asnumpy()[0]
    assert_close(res4[expected["res4_channels"]], expected["res4"])
    assert (res4.mean(), res4.std()) == (pytest.approx(7.122485, rel=1e-5), pytest.approx(7.056667, rel=1e-5))


def test_trunk_on_noise(network: DeFRCN) -> None:
    expected = golden("res4")
    res4 = network.features(Tensor(noise_image())).asnumpy()[0]
    assert_close(res4[expected["noise_channels"]], expected["noise"])


def test_region_proposal_network(network: DeFRCN, features: Tensor) -> None:
    expected = golden("proposals")
    objectness, deltas = network.rpn(features)
    assert_close(objectness[0], expected["logits"])
    assert_close(deltas[0], expected["deltas"])
    res4 = golden("res4")
    assert_close(network.affine_rpn(features).asnumpy()[0][res4["affine_rpn_channels"]], res4["affine_rpn"])


def check_regions(network: DeFRCN, features: Tensor) -> np.ndarray:
    """What is read of the proposals, and what res5 makes of it."""
    expected, proposals = golden("roi_features"), golden("detections_base")["prop_boxes"]
    rois = Tensor(proposals[expected["regions"]])
    index = Tensor(np.zeros(len(rois), np.int32))
    decoupled = network.affine_rcnn(features)
    every_bin = RoiAlign(7, 1 / 16)(decoupled, rois, index).asnumpy()
    assert_close(every_bin[:, expected["channels"]], expected["features"])
    pooled = network.roi_features(features, Tensor(proposals[None]))
    assert_close(pooled[:8], expected["pooled"])
    return pooled.asnumpy()


def test_regions(network: DeFRCN, features: Tensor) -> None:
    pooled = check_regions(network, features)
    assert pooled.shape == (100, 2048)
    assert (pooled.mean(), pooled.std()) == (
        pytest.approx(3.059824, rel=1e-5),
        pytest.approx(3.692793, rel=1e-5),
    )


def test_stages_from_stored_inputs(network: DeFRCN, shared: Path) -> None:
    folder = shared / "golden" / "defrcn"
    stored = Tensor(np.load(folder / "res4.npz")["res4"][None])
    rpn, regions = np.load(folder / "rpn.npz"), np.load(folder / "infer_base.npz")
    objectness, deltas = network.rpn(stored)
    assert_close(objectness[0], rpn["logits"], 1e-5)
    assert_close(deltas[0], rpn["deltas"], 1e-5)
    assert_close(check_regions(network, stored), regions["pooled"], 1e-5)
    logits, moves = network.predict(Tensor(regions["pooled"]))
    assert_close(logits, regions["cls_logits"], 1e-5)
    assert_close(moves, regions["box_deltas"], 1e-5)


def test_predictions(network: DeFRCN, features: Tensor, stage: str) -> None:
    expected = golden(f"detections_{stage}")
    logits, deltas = network.predict(network.roi_features(features, Tensor(expected["prop_boxes"][None])))
    assert_close(logits, expected["cls_logits"])
    assert_close(deltas, expected["box_deltas"])


def test_from_picture_to_scores(network: DeFRCN, stage: str) -> None:
    """All at once; the first detections are the original's."""
    expected = golden(f"detections_{stage}")
    boxes, scores, valid = network(Tensor(block_image()), Tensor(SIZE))
    assert valid.asnumpy().all()
    ours = np.sort(scores.asnumpy()[0, :, :-1].ravel())[::-1]
    assert ours[0] == pytest.approx(expected["det_scores"][0], abs=1e-4)
    region, label = np.unravel_index(scores.asnumpy()[0, :, :-1].argmax(), (100, CLASSES[stage]))
    assert label == expected["det_classes"][0]
    np.testing.assert_allclose(boxes.asnumpy()[0, region, label], expected["det_boxes"][0], atol=0.01)
