"""`build_model`, the two variants, and the shape of what is built."""

import subprocess
import sys

import ms_ssdlite_fpn
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.errors import UserError
from ms_core.networks.single_shot import SingleShotNetwork
from ms_ssdlite_fpn import build_model

NAME = "ssdlite_mobilenetv2_fpn"


@pytest.fixture(scope="module")
def small() -> SingleShotNetwork:
    return build_model(NAME, 5)


def shapes(network: SingleShotNetwork) -> dict[str, tuple[int, ...]]:
    return {parameter.name: tuple(parameter.shape) for parameter in network.get_parameters()}


@pytest.mark.parametrize("variant", ["zoo", "paper"])
@pytest.mark.parametrize("padding", ["same", "torch"])
def test_outputs(variant: str, padding: str) -> None:
    network = build_model(NAME, 5, variant=variant, padding=padding).set_train(False)
    boxes, classes = network(Tensor(np.zeros((1, 3, 320, 320), np.float32)))
    assert (boxes.shape, classes.shape) == ((1, 12804, 4), (1, 12804, 5))
    assert np.abs(classes.asnumpy()).max() < 0.5  # raw: a sigmoid of nearly nothing would be 0.5


def test_what_the_network_says_of_itself(small: SingleShotNetwork) -> None:
    assert (small.model_name, small.num_classes, small.input_size) == (NAME, 5, (320, 320))
    assert (small.padding, small.variant) == ("same", "zoo")
    assert (small.prior_scaling, small.loss_alpha, small.loss_loc_reduce) == ((0.1, 0.2), 0.75, "mean")
    assert len(small.anchors) == 12804


def test_backbone_is_what_a_classification_file_fills(small: SingleShotNetwork) -> None:
    """52 convolutions and their normalisations: torchvision's MobileNetV2 without its classifier."""
    backbone = [name for name in shapes(small) if name.startswith(small.backbone_prefixes)]
    assert len(backbone) == 52 * 5
    assert not any("expand_layer" in name for name in backbone)


def test_towers_share_convolutions_but_not_normalisations(small: SingleShotNetwork) -> None:
    names = [name for name in shapes(small) if "addition_layer_cls" in name]
    convolutions = [name for name in names if name.endswith(".weight")]
    assert convolutions == [f"multi_box.addition_layer_cls.0.{depth}.features.0.weight" for depth in range(4)]
    assert sum(name.endswith(".gamma") for name in names) == 5 * 4


def test_paper_heads_are_depthwise_separable(small: SingleShotNetwork) -> None:
    zoo, paper = shapes(small), shapes(build_model(NAME, 5, variant="paper"))
    assert {name for name in zoo if "multi_box" not in name} == {n for n in paper if "multi_box" not in n}
    tower = "multi_box.addition_layer_loc.0.0.features.0"
    assert zoo[f"{tower}.weight"] == (32, 32, 3, 3)
    assert (paper[f"{tower}.0.weight"], paper[f"{tower}.1.weight"]) == ((32, 1, 3, 3), (32, 32, 1, 1))
    assert paper["multi_box.cls_layers.0.1.weight"] == (6 * 5, 32, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "ssdlite_mobilenet_fpn"}, r"Did you mean ssdlite_mobilenetv2_fpn\?"),
        ({"variant": "papper"}, r"unknown variant 'papper'\. Did you mean paper\?"),
        ({"num_classes": 1}, r"num_classes=1: needs at least 2"),
    ],
)
def test_wrong_arguments(arguments: dict[str, str | int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_model(**{"name": NAME, "num_classes": 3, **arguments})


def test_importing_the_package_does_not_import_mindspore() -> None:
    code = "import sys, ms_ssdlite_fpn as p; p.__version__; dir(p); sys.exit('mindspore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names() -> None:
    public = {"MODELS", "build_model", "load_weights", "padding_of", "__version__"}
    assert public <= set(dir(ms_ssdlite_fpn))
