"""The MobileNetV2 trunk."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.networks.layers import Padding
from ms_core.networks.mobilenet_v2 import TRUNK_CHANNELS, TRUNK_STAGES, InvertedResidual, trunk_stages


@pytest.mark.parametrize("padding", ["same", "torch"])
def test_shapes_along_the_trunk(padding: Padding) -> None:
    x = Tensor(np.zeros((1, 3, 75, 75), np.float32))
    shapes = []
    for stage in trunk_stages(padding):
        x = stage(x)
        shapes.append(x.shape[1:3])
    assert [shapes[index] for index in (0, 1, 3, 6, 10, 13, 16, 17, 18)] == [
        (32, 38), (16, 38), (24, 19), (32, 10), (64, 5), (96, 5), (160, 3), (320, 3), (1280, 3),
    ]  # fmt: skip
    assert (len(shapes), shapes[-1][0]) == (TRUNK_STAGES, TRUNK_CHANNELS)


def test_published_size() -> None:
    """The published 3,504,872 parameters less the 1,281,000 of the classifier."""
    trunk = nn.SequentialCell(trunk_stages())
    assert sum(parameter.size for parameter in trunk.trainable_params()) == 3_504_872 - 1_281_000


@pytest.mark.parametrize(
    ("in_channels", "out_channels", "stride", "added"), [(8, 8, 1, True), (8, 8, 2, False), (8, 6, 1, False)]
)
def test_input_is_added_where_shapes_permit(
    in_channels: int, out_channels: int, stride: int, added: bool
) -> None:
    block = InvertedResidual(in_channels, out_channels, stride, 6).set_train(False)
    projection_norm = block.conv[-1]
    projection_norm.gamma.set_data(
        ms.ops.zeros_like(projection_norm.gamma)
    )  # the residual branch now gives 0
    x = Tensor(np.random.default_rng(0).standard_normal((1, in_channels, 4, 4)).astype(np.float32))
    result = block(x).asnumpy()
    assert result.any() == added
    if added:
        np.testing.assert_array_equal(result, x.asnumpy())


def test_first_block_has_no_expansion() -> None:
    names = [parameter.name for parameter in InvertedResidual(4, 2, 1, 1).get_parameters()]
    assert [name for name in names if name.endswith("weight")] == [
        "conv.0.features.0.weight",
        "conv.1.weight",
    ]


def test_extra_level_ends_in_relu6() -> None:
    block = InvertedResidual(8, 4, 2, 0.25, last_relu=True)
    x = Tensor(100 * np.random.default_rng(0).standard_normal((2, 8, 5, 5)).astype(np.float32))
    result = block.set_train(True)(x).asnumpy()
    assert result.min() == 0
    assert block.conv[0].features[0].out_channels == 2  # round(8 * 0.25)
