"""`build_model` and the shape of what it builds."""

import subprocess
import sys

import ms_ssd
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.errors import UserError
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork, Variant
from ms_core.train.randomness import Dropout
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
        network = MODELS[name](3, variant, padding)  # initial weights would take seconds
        assert (network.model_name, network.variant, network.num_classes) == (name, variant, 3)
        for prefix in (*network.backbone_prefixes, *network.head_prefixes):
            assert any(p.name.startswith(prefix) for p in network.get_parameters()), prefix


@pytest.mark.parametrize(
    ("name", "variant"),
    [("ssd300", "zoo"), ("ssd_mobilenet_v1", "zoo"), ("ssd_vgg16", "zoo"), ("ssd_vgg16", "paper")],
)
def test_networks_say_whether_one_image_is_too_few(name: str, variant: Variant) -> None:
    """One image leaves a moving variance that is no number exactly where a normalised map has one cell."""
    network = MODELS[name](3, variant, "same")
    network.set_train(True)
    for _, cell in network.cells_and_names():
        if isinstance(cell, Dropout):
            cell.set_train(False)
    network(Tensor(np.ones((1, 3, 300, 300), np.float32)))
    variances = [p for p in network.get_parameters() if p.name.endswith("moving_variance")]
    assert network.normalises_one_cell == any(not np.isfinite(p.asnumpy()).all() for p in variances)


@pytest.mark.parametrize("name", ["ssd_mobilenet_v1_fpn", "ssd_resnet50_fpn"])
def test_strided_convolutions_of_a_trunk_follow_the_padding(name: str) -> None:
    """What lies behind the trunk pads as in the zoo; no weight of torchvision is for it."""
    modes = {}
    for padding in ("same", "torch"):
        cells = dict(MODELS[name](3, "zoo", padding).cells_and_names())
        modes[padding] = {n: c.pad_mode for n, c in cells.items() if getattr(c, "stride", 1) in ((2, 2), 2)}
    changed = [cell for cell, mode in modes["same"].items() if mode != modes["torch"][cell]]
    strided_in_trunk = [cell for cell in modes["same"] if "bottom_up" not in cell]
    projections = [cell for cell in strided_in_trunk if "down_sample_layer" in cell]  # 1x1: nothing to pad
    assert sorted(set(changed) | set(projections)) == sorted(strided_in_trunk)
    assert len(changed) >= 5


def test_last_normalisation_of_a_residual_block_starts_at_zero() -> None:
    parameters = MODELS["ssd_resnet50_fpn"](3, "zoo", "same").parameters_dict()
    gammas = {n: p.asnumpy() for n, p in parameters.items() if ".resnet." in n and n.endswith("gamma")}
    assert all(not gamma.any() for name, gamma in gammas.items() if ".bn3." in name)
    assert all((gamma == 1).all() for name, gamma in gammas.items() if ".bn3." not in name)


def test_importing_the_package_does_not_import_mindspore() -> None:
    code = "import sys, ms_ssd; ms_ssd.__version__; dir(ms_ssd); sys.exit('mindspore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names() -> None:
    assert {"MODELS", "build_model", "load_weights", "padding_of", "__version__"} <= set(dir(ms_ssd))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ms_ssd.nothing  # noqa: B018
