"""`build_model` and the shape of what it builds."""

import subprocess
import sys

import ms_ssd
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.errors import UserError
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork
from ms_ssd import MODELS, build_model


@pytest.fixture(scope="module")
def small() -> SingleShotNetwork:
    return build_model("ssd300", 5)


def test_outputs(small: SingleShotNetwork) -> None:
    boxes, classes = small.set_train(False)(Tensor(np.zeros((2, 3, 300, 300), np.float32)))
    assert (boxes.shape, classes.shape) == ((2, 1917, 4), (2, 1917, 5))
    assert np.abs(classes.asnumpy()).max() < 0.5  # raw: a sigmoid of nearly nothing would be 0.5


def test_what_the_network_says_of_itself(small: SingleShotNetwork) -> None:
    assert (small.model_name, small.num_classes, small.input_size) == ("ssd300", 5, (300, 300))
    assert (small.padding, small.variant) == ("same", "zoo")
    assert (small.prior_scaling, small.loss_alpha, small.loss_loc_reduce) == ((0.1, 0.2), 0.75, "sum")
    assert len(small.anchors) == 1917


def test_seed_decides_the_initial_weights(small: SingleShotNetwork) -> None:
    again, other = build_model("ssd300", 5), build_model("ssd300", 5, seed=2)
    name = "backbone.features_1.5.conv.2.weight"
    first, same, different = (net.parameters_dict()[name].asnumpy() for net in (small, again, other))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, different)


def test_variants_are_the_same_network(small: SingleShotNetwork) -> None:
    paper = build_model("ssd300", 5, variant="paper")
    assert paper.variant == "paper"
    for ours, theirs in zip(small.get_parameters(), paper.get_parameters(), strict=True):
        assert ours.name == theirs.name
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())


def test_padding_moves_only_strided_backbone_convolutions(small: SingleShotNetwork) -> None:
    torch = build_model("ssd300", 5, padding="torch")
    changed = [
        name
        for (name, ours), (_, theirs) in zip(small.cells_and_names(), torch.cells_and_names(), strict=True)
        if getattr(ours, "stride", (1, 1)) == (2, 2) and ours.pad_mode != theirs.pad_mode
    ]
    blocks = ("features_1.2.conv.1", "features_1.4.conv.1", "features_1.7.conv.1", "features_2.0.conv.1")
    assert changed == [f"backbone.{block}.features.0" for block in ("features_1.0", *blocks)]
    boxes, _ = torch.set_train(False)(Tensor(np.zeros((1, 3, 300, 300), np.float32)))
    assert boxes.shape == (1, 1917, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "sd300"}, r"unknown model 'sd300'\. Did you mean ssd300\?"),
        ({"name": "yolo"}, r"unknown model 'yolo'\. Choose one of: ssd300"),
        ({"variant": "papper"}, r"unknown variant 'papper'\. Did you mean paper\?"),
        ({"padding": "valid"}, r"unknown padding 'valid'\. Choose one of: same, torch\."),
        ({"num_classes": 1}, r"num_classes=1: needs at least 2"),
    ],
)
def test_wrong_arguments(arguments: dict[str, str | int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_model(**{"name": "ssd300", "num_classes": 3, **arguments})


@pytest.mark.parametrize("padding", ["same", "torch"])
@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_accepts_the_common_options(name: str, padding: Padding) -> None:
    for variant in ("zoo", "paper"):
        assert build_model(name, 3, variant=variant, padding=padding).model_name == name


def test_importing_the_package_does_not_import_mindspore() -> None:
    code = "import sys, ms_ssd; ms_ssd.__version__; dir(ms_ssd); sys.exit('mindspore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names() -> None:
    assert {"MODELS", "build_model", "load_weights", "padding_of", "__version__"} <= set(dir(ms_ssd))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ms_ssd.nothing  # noqa: B018
