"""The SSD paper's network beside the old zoo's, and options that a checkpoint keeps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mindspore import Parameter, Tensor
from mindspore import dtype as mstype
from ms_core.checkpoint import WeightFile, write_checkpoint
from ms_core.errors import UserError
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.single_shot.config import ModelConfig, SingleShotConfig
from ms_core.single_shot.trained import load_trained
from ms_core.train.randomness import Dropout, connect_random_cells
from ms_ssd import MODELS, build_model, load_weights
from ms_ssd.cli import package
from ms_ssd.ssd_vgg16_paper import L2Normalize, paper_boxes


def build(model: str = "ssd_vgg16", variant: str = "zoo", **options: Any) -> SingleShotNetwork:
    """Without initial weights, which take seconds."""
    network = MODELS[model](3, variant, "same", **options)
    network.options = options
    return network


def file_of(network: SingleShotNetwork, metadata: dict[str, Any], prefix: str = "") -> WeightFile:
    arrays = {f"{prefix}{p.name}": np.zeros(p.shape, np.float32) for p in network.get_parameters()}
    return WeightFile(arrays, metadata, path=Path("some.ckpt"))


@pytest.fixture(scope="module")
def zoo() -> SingleShotNetwork:
    return build()


@pytest.fixture(scope="module")
def paper() -> SingleShotNetwork:
    return build(variant="paper")


# --- the paper's network


def test_paper_boxes() -> None:
    """COCO setting: 4, 6, 6, 6, 4, 4 boxes a cell, sides 21, 45, 99, 153, 207, 261 pixels (section 3.4)."""
    boxes = paper_boxes().xywh
    assert len(boxes) == 8732 == 38**2 * 4 + 19**2 * 6 + 10**2 * 6 + 5**2 * 6 + 3**2 * 4 + 4
    first_of_level = np.cumsum([0, 38**2 * 4, 19**2 * 6, 10**2 * 6, 5**2 * 6, 3**2 * 4])
    np.testing.assert_allclose(boxes[first_of_level, 2] * 300, [21, 45, 99, 153, 207, 261], atol=1e-4)
    np.testing.assert_allclose(boxes[0, :2] * 300, [4, 4], atol=1e-4)
    np.testing.assert_allclose(
        boxes[3, 2:] * 300, np.sqrt(21 * 45), rtol=1e-6
    )  # between this and the next level
    np.testing.assert_allclose(boxes[-1, 2:] * 300, np.sqrt(261 * 315), rtol=1e-6)


def test_paper_boxes_of_the_voc_setting() -> None:
    boxes = paper_boxes(0.2).xywh
    first_of_level = np.cumsum([0, 38**2 * 4, 19**2 * 6, 10**2 * 6, 5**2 * 6, 3**2 * 4])
    np.testing.assert_allclose(boxes[first_of_level, 2] * 300, [30, 60, 111, 162, 213, 264], atol=1e-4)


def test_l2_normalisation() -> None:
    x = np.random.default_rng(0).standard_normal((2, 6, 3, 3)).astype(np.float32)
    cell = L2Normalize(6)
    assert cell.scale.asnumpy().tolist() == [20] * 6
    cell.scale.set_data(Tensor(np.arange(6, dtype=np.float32)))
    expected = x / np.linalg.norm(x, axis=1, keepdims=True) * np.arange(6)[None, :, None, None]
    np.testing.assert_allclose(cell(Tensor(x)).asnumpy(), expected, rtol=1e-5, atol=1e-6)
    assert np.isfinite(cell(Tensor(np.zeros((1, 6, 1, 1), np.float32))).asnumpy()).all()
    large = cell(Tensor(np.full((1, 6, 1, 1), 3e4), mstype.float16)).asnumpy()  # its squares are no float16
    np.testing.assert_allclose(large.ravel(), np.arange(6) / np.sqrt(6), rtol=1e-3)


def test_the_papers_layers(paper: SingleShotNetwork) -> None:
    shapes = {p.name: p.shape for p in paper.get_parameters()}
    assert len(shapes) == 71
    assert not [name for name in shapes if "gamma" in name or "moving" in name]
    weights = {name.removesuffix(".weight") for name in shapes if name.endswith(".weight")}
    assert {name.removesuffix(".bias") for name in shapes if name.endswith(".bias")} == weights
    assert shapes["fc6.weight"] == (1024, 512, 3, 3)
    assert shapes["conv4_3_norm.scale"] == (512,)
    assert shapes["multi_box.multi_loc_layers.0.weight"] == (16, 512, 3, 3)
    assert shapes["multi_box.multi_cls_layers.1.weight"] == (18, 1024, 3, 3)
    assert not [cell for _, cell in paper.cells_and_names() if isinstance(cell, Dropout)]


def test_the_papers_outputs() -> None:
    network = build_model("ssd_vgg16", 3, variant="paper").set_train(False)
    images = Tensor(np.random.default_rng(0).standard_normal((1, 3, 300, 300)).astype(np.float32))
    boxes, classes = network(images)
    assert (boxes.shape, classes.shape) == ((1, 8732, 4), (1, 8732, 3))
    extra = Tensor(np.random.default_rng(1).standard_normal((1, 1024, 19, 19)).astype(np.float32))
    conv8 = network.conv8(extra)
    assert conv8.shape == (1, 512, 10, 10)
    assert conv8.asnumpy().min() == 0  # a ReLU behind it, unlike in the zoo variant


# --- weights of the other variant


def refusal(network: SingleShotNetwork, file: WeightFile) -> str:
    before = {p.name: p.asnumpy().copy() for p in network.get_parameters()}
    with pytest.raises(UserError) as caught:
        load_weights(network, file)
    for p in network.get_parameters():
        np.testing.assert_array_equal(p.asnumpy(), before[p.name])
    message = str(caught.value)
    assert message.startswith("some.ckpt: ")
    assert "\n" not in message
    return message


def test_zoo_weights_in_a_paper_network(zoo: SingleShotNetwork, paper: SingleShotNetwork) -> None:
    line = refusal(paper, file_of(zoo, {"model": "ssd_vgg16", "variant": "zoo"}))
    assert "'zoo'" in line
    assert "'paper'" in line
    assert "--model.variant zoo" in line


def test_paper_weights_in_a_zoo_network(zoo: SingleShotNetwork, paper: SingleShotNetwork) -> None:
    line = refusal(zoo, file_of(paper, {"model": "ssd_vgg16", "variant": "paper"}))
    assert "--model.variant paper" in line


def test_an_old_file_in_a_paper_network(zoo: SingleShotNetwork, paper: SingleShotNetwork) -> None:
    """It says nothing of itself, but the old zoo had one variant only."""
    assert "--model.variant zoo" in refusal(paper, file_of(zoo, {}, "network."))


def test_variants_that_are_one_network_share_their_weights() -> None:
    network = build("ssd300", "zoo")
    file = file_of(network, {"model": "ssd300", "variant": "paper"})
    assert load_weights(network, file).missing == []


# --- options


def test_normalisations_in_the_trunk(zoo: SingleShotNetwork) -> None:
    names = [p.name for p in build(backbone_norm=True).get_parameters() if p.name.startswith("backbone.")]
    assert len(names) == 13 * 5
    assert [name for name in names if name.startswith("backbone.b2.")][::5] == [
        "backbone.b2.0.weight",
        "backbone.b2.3.weight",
    ]
    assert not [p.name for p in zoo.get_parameters() if p.name.startswith("backbone.") and "gamma" in p.name]


@pytest.mark.parametrize("prefix", ["", "network."], ids=["ours", "old"])
def test_normalisations_must_fit(zoo: SingleShotNetwork, prefix: str) -> None:
    normed = build(backbone_norm=True)
    assert "--model.backbone-norm true" in refusal(zoo, file_of(normed, {}, prefix))
    assert "--model.backbone-norm false" in refusal(normed, file_of(zoo, {}, prefix))
    assert load_weights(normed, file_of(normed, {}, prefix)).missing == []


def test_min_scale_moves_the_boxes_and_must_fit() -> None:
    usual, small = build("ssd300"), build("ssd300", min_scale=0.1)
    assert not np.array_equal(usual.anchors.xywh, small.anchors.xywh)
    np.testing.assert_allclose(small.anchors.xywh[1, 2:] * 300, [30 / 2**0.5, 30 * 2**0.5], rtol=1e-6)
    stored = {"model": "ssd300", "min_scale": 0.1}
    assert "--model.min-scale 0.1" in refusal(usual, file_of(small, stored))
    assert "--model.min-scale null" in refusal(small, file_of(usual, {"model": "ssd300"}))
    assert load_weights(small, file_of(small, stored)).missing == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "ssd300", "backbone_norm": True}, "ssd300 has no option backbone_norm, only ssd_vgg16"),
        ({"name": "ssd_resnet50_fpn", "min_scale": 0.1}, "has no option min_scale"),
        ({"name": "ssd300", "min_scale": 1.5}, r"min_scale=1\.5: is not within"),
    ],
)
def test_options_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_model(num_classes=3, **arguments)


def test_a_checkpoint_rebuilds_the_network_it_was_trained_as(tmp_path: Path) -> None:
    """All that decides what the network computes, and nothing of it in the configuration at hand."""
    trained = build(variant="paper", backbone_norm=True, min_scale=0.2)
    metadata = {
        "model": "ssd_vgg16",
        "variant": "paper",
        "padding": trained.padding,
        **trained.options,
        "num_classes": 3,
        "classes": ["cat", "dog"],
    }
    path = tmp_path / "best.ckpt"
    write_checkpoint(path, file_of(trained, {}).arrays, metadata)
    rebuilt = load_trained(package(), path, SingleShotConfig()).network
    assert (rebuilt.variant, dict(rebuilt.options)) == ("paper", dict(trained.options))
    np.testing.assert_array_equal(rebuilt.anchors.xywh, trained.anchors.xywh)
    assert [p.name for p in rebuilt.get_parameters()] == [p.name for p in trained.get_parameters()]


def test_options_of_a_configuration() -> None:
    assert package().options(ModelConfig()) == {}
    assert package().options(ModelConfig(backbone_norm=True, min_scale=0.1)) == {
        "backbone_norm": True,
        "min_scale": 0.1,
    }


def test_dropout_of_the_zoo_variant_can_be_resumed(zoo: SingleShotNetwork) -> None:
    """Its masks follow from seed and step, so nothing about them has to be stored."""
    step = Parameter(Tensor(3, mstype.int32), name="step")
    connect_random_cells(zoo, step, seed=1)
    dropouts = [cell for _, cell in zoo.cells_and_names() if isinstance(cell, Dropout)]
    assert len(dropouts) == 2
    ones = Tensor(np.ones((1, 8, 19, 19), np.float32))
    first, second = (cell.set_train(True)(ones).asnumpy() for cell in dropouts)
    assert 0.45 < (first == 0).mean() < 0.55
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(dropouts[0](ones).asnumpy(), first)
    np.testing.assert_array_equal(dropouts[0].set_train(False)(ones).asnumpy(), ones.asnumpy())
