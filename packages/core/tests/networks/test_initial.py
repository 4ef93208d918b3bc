"""Initial weights."""

import numpy as np
import pytest
from mindspore import nn
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.initial import initialise


def values(seed: int) -> dict[str, np.ndarray]:
    head = PerLevelHead((64, 128), (6, 6), 81)
    initialise(head, seed)
    return {name: parameter.asnumpy() for name, parameter in head.parameters_dict().items()}


def test_weights_are_normal_cut_at_two_sigma() -> None:
    weights = values(1)["multi_cls_layers.1.3.weight"]  # 62 208 numbers
    assert np.abs(weights).max() <= 0.04
    # the deviation of a standard normal cut at 2 sigma is 0.87963
    assert weights.std() == pytest.approx(0.02 * 0.87963, rel=0.02)
    assert abs(weights.mean()) < 1e-3


def test_everything_else_keeps_its_neutral_value() -> None:
    for name, array in values(1).items():
        if not name.endswith("weight"):
            expected = 1 if name.endswith(("gamma", "moving_variance")) else 0
            np.testing.assert_array_equal(array, np.full_like(array, expected), err_msg=name)


def test_seed_decides() -> None:
    first, again, other = values(1), values(1), values(2)
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
    assert not np.array_equal(first["multi_loc_layers.0.0.weight"], other["multi_loc_layers.0.0.weight"])


def test_a_weight_does_not_depend_on_its_neighbours() -> None:
    alone, beside = (
        nn.SequentialCell([nn.Conv2d(3, 4, 1)]),
        nn.SequentialCell([nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3)]),
    )
    for cell in (alone, beside):
        initialise(cell, 1)
    np.testing.assert_array_equal(alone[0].weight.asnumpy(), beside[0].weight.asnumpy())
