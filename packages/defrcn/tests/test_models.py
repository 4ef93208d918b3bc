"""`build_model`, initial weights, and the parameters against the original's."""

import json
from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_defrcn import MODELS, build_model
from ms_defrcn.config import ModelConfig, ProposalConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.resnet import LAYOUTS

GOLDEN = Path(__file__).parent / "golden"
LEAVES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def our_name(name: str) -> str:
    """A parameter of detectron2 in our words, which differ for normalisations."""
    rest, _, leaf = name.rpartition(".")
    return f"{rest}.{LEAVES[leaf]}" if rest.endswith("norm") else name


def unfilled(name: str, classes: int, **options: object) -> DeFRCN:
    """Without initial weights, which take seconds for the large ones."""
    config = ModelConfig(name=name, **options)  # type: ignore[arg-type]
    return MODELS[name](name=name, num_classes=classes, config=config, proposals=ProposalConfig())


@pytest.fixture(scope="module")
def small() -> DeFRCN:
    return build_model("defrcn_r18", 5)


def test_names_and_shapes_are_those_of_the_original() -> None:
    shapes = json.loads((GOLDEN / "params_base.json").read_text())
    expected = {
        our_name(name): tuple(shape) for name, shape in shapes.items() if "anchor_generator" not in name
    }
    ours = {parameter.name: parameter.shape for parameter in unfilled("defrcn_r101", 60).get_parameters()}
    assert ours == expected
    assert len(ours) == 534


@pytest.mark.parametrize("stage", ["base", "fsod"])
def test_what_is_trained(stage: str) -> None:
    golden = json.loads((GOLDEN / "trainable.json").read_text())[stage]
    network = unfilled("defrcn_r101", golden["classes"], freeze_res5=stage == "fsod")
    assert {parameter.name for parameter in network.trainable_params()} == set(golden["trainable"])
    assert len(golden["trainable"]) == {"base": 94, "fsod": 84}[stage]


def test_parameter_count() -> None:
    anchors = 15 * 4  # detectron2 counts them, and the norms, too
    assert sum(p.size for p in unfilled("defrcn_r101", 60).get_parameters()) + anchors == 52_741_492


def test_what_the_network_says_of_itself(small: DeFRCN) -> None:
    assert (small.model_name, small.num_classes, small.stride) == ("defrcn_r18", 5, 16)
    assert small.options == {}
    assert small.anchors.per_cell == 15
    names = [parameter.name for parameter in small.get_parameters()]
    backbone = [name for name in names if name.startswith(small.backbone_prefixes)]
    head = {name for name in names if name.startswith(small.head_prefixes)}
    assert len(backbone) == 5 * (1 + 16 + 3)  # stem, two convolutions a block, shortcuts; each with its norm
    assert head == {
        f"roi_heads.box_predictor.{layer}.{leaf}"
        for layer in ("cls_score", "bbox_pred")
        for leaf in ("weight", "bias")
    }


def test_options_are_what_differs_from_the_defaults() -> None:
    network = build_model(
        "defrcn_r18", 2, roi_gradient_scale=0.01, freeze_res5=True, dropout=0.8, anchor_sizes=(16, 32), seed=3
    )
    assert json.loads(json.dumps(network.options)) == {
        "roi_gradient_scale": 0.01,
        "freeze_res5": True,
        "dropout": 0.8,
        "anchor_sizes": [16.0, 32.0],
    }
    again = build_model("defrcn_r18", 2, **network.options)
    assert again.options == network.options
    assert again.anchors.per_cell == 6
    assert network.proposal_generator.rpn_head.anchor_deltas.weight.shape == (24, 256, 1, 1)
    assert (network.affine_rcnn.scale, network.affine_rpn.scale) == (0.01, 0.0)
    assert network.roi_heads.box_predictor.dropout.p == 0.8


def test_proposals_of_inference() -> None:
    network = build_model("defrcn_r18", 2, proposals=ProposalConfig(test_before_nms=50, test_after_nms=7))
    assert (network.proposals.before_nms, network.proposals.after_nms) == (50, 7)


def test_seed_decides_the_initial_weights(small: DeFRCN) -> None:
    again, other = build_model("defrcn_r18", 7), build_model("defrcn_r18", 5, seed=2)
    for name in ("backbone.res2.1.conv2.weight", "roi_heads.res5.0.shortcut.weight"):
        first, same, different = (
            network.parameters_dict()[name].asnumpy() for network in (small, again, other)
        )
        np.testing.assert_array_equal(first, same)
        assert not np.array_equal(first, different)


@pytest.mark.parametrize(
    ("name", "sigma"),
    [
        ("backbone.stem.conv1.weight", np.sqrt(2 / (7 * 7 * 64))),
        ("roi_heads.res5.1.conv1.weight", np.sqrt(2 / (3 * 3 * 512))),
        ("proposal_generator.rpn_head.conv.weight", 0.01),
        ("proposal_generator.rpn_head.objectness_logits.weight", 0.01),
        ("roi_heads.box_predictor.cls_score.weight", 0.01),
        ("roi_heads.box_predictor.bbox_pred.weight", 0.001),
    ],
)
def test_initial_weights(small: DeFRCN, name: str, sigma: float) -> None:
    weight = small.parameters_dict()[name].asnumpy()
    assert weight.std() == pytest.approx(sigma, rel=0.05)
    assert abs(weight.mean()) < 0.1 * sigma


def test_biases_start_at_zero(small: DeFRCN) -> None:
    biases = [p for p in small.get_parameters() if p.name.endswith(("bias", "beta", "moving_mean"))]
    assert not any(parameter.asnumpy().any() for parameter in biases)
    assert (small.affine_rpn.weight.asnumpy() == 1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "defrcn_r102"}, r"unknown model 'defrcn_r102'\. Did you mean defrcn_r101"),
        ({"name": "yolo"}, r"unknown model 'yolo'\. Choose one of: defrcn_r101"),
        ({"num_classes": 0}, r"num_classes=0: needs at least 1"),
        ({"dropout": 1.0}, r"dropout=1\.0: is not within 0 and 1"),
        ({"rpn_gradient_scale": 1.5}, r"rpn_gradient_scale"),
        ({"anchor_sizes": ()}, r"anchor_sizes: \[\] are not all above 0"),
        ({"anchor_ratios": (1, -1)}, r"anchor_ratios: \[1\.0, -1\.0\] are not all above 0"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_model(**{"name": "defrcn_r18", "num_classes": 3, **arguments})  # type: ignore[arg-type]


def test_models_and_layouts_go_together() -> None:
    assert set(MODELS) == {f"defrcn_r{depth}" for depth in LAYOUTS}
