"""Name maps."""

import numpy as np
import pytest
from ms_core.checkpoint.names import Rule, batch_norm_to_mindspore, prefix, rename
from ms_core.errors import UserError


def arrays(*names: str) -> dict[str, np.ndarray]:
    """A distinct array for each name."""
    return {name: np.array(index) for index, name in enumerate(names)}


TORCH = arrays(
    "conv1.weight", "conv1.bias", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
    "bn1.num_batches_tracked", "norm.weight", "norm.bias",
)  # fmt: skip
MINDSPORE_NAMES = [
    "conv1.weight", "conv1.bias", "bn1.gamma", "bn1.beta", "bn1.moving_mean", "bn1.moving_variance",
    "norm.weight", "norm.bias",
]  # fmt: skip


def test_batch_norm_leaves_are_translated_and_convolutions_are_not() -> None:
    translated = batch_norm_to_mindspore(TORCH)
    assert list(translated) == MINDSPORE_NAMES
    assert translated["bn1.gamma"] is TORCH["bn1.weight"]
    assert translated["bn1.moving_variance"] is TORCH["bn1.running_var"]


def test_a_lone_layer_without_module_name() -> None:
    assert list(batch_norm_to_mindspore(arrays("weight", "running_var"))) == ["gamma", "moving_variance"]


def test_rules_apply_in_order_to_whole_names() -> None:
    rules = [
        Rule(r"layer(\d+)\.(\d+)\.(.*)", r"stages.\1.blocks.\2.\3"),
        prefix("stem.", "backbone.stem."),
    ]
    names = (
        "layer1.0.conv.weight",
        "stem.conv.weight",
        "stemx.conv.weight",
        "other.layer1.0.x",
    )
    assert list(rename(arrays(*names), rules)) == [
        "stages.1.blocks.0.conv.weight", "backbone.stem.conv.weight", "stemx.conv.weight", "other.layer1.0.x",
    ]  # fmt: skip


def test_two_arrays_for_one_name_are_an_error() -> None:
    with pytest.raises(UserError, match=r"module\.w: a second array for w"):
        rename(arrays("w", "module.w"), [prefix("module.", "")])
