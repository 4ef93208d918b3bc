"""The feature pyramid and its resize."""

import numpy as np
import pytest
from mindspore import Tensor, ops
from ms_core.networks.fpn import CoarseLevels, FeaturePyramid, upsample_twice


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (10, 10)])
def test_upsampling_is_tensorflows_asymmetric_grid(height: int, width: int) -> None:
    """`ResizeBilinearV2` with both flags off samples that grid; it is the operator the old code used."""
    x = Tensor(np.random.default_rng(0).standard_normal((2, 3, height, width)).astype(np.float32))
    reference = ops.ResizeBilinearV2(align_corners=False, half_pixel_centers=False)
    expected = reference(x, (2 * height, 2 * width)).asnumpy()
    np.testing.assert_allclose(upsample_twice(x).asnumpy(), expected, rtol=0, atol=1e-6)


def test_upsampling_by_hand() -> None:
    x = Tensor(np.float32([[[[0, 2], [4, 8]]]]))
    expected = [[0, 1, 2, 2], [2, 3.5, 5, 5], [4, 6, 8, 8], [4, 6, 8, 8]]
    np.testing.assert_array_equal(upsample_twice(x).asnumpy()[0, 0], np.float32(expected))


def pyramid_inputs() -> tuple[Tensor, ...]:
    rng = np.random.default_rng(1)
    sizes = ((8, 12), (16, 6), (24, 3))
    return tuple(Tensor(rng.standard_normal((1, c, s, s)).astype(np.float32)) for c, s in sizes)


@pytest.mark.parametrize("depthwise", [False, True])
def test_every_level_keeps_its_size(depthwise: bool) -> None:
    pyramid = FeaturePyramid((8, 16, 24), 4, depthwise=depthwise).set_train(False)
    assert [level.shape for level in pyramid(pyramid_inputs())] == [
        (1, 4, 12, 12),
        (1, 4, 6, 6),
        (1, 4, 3, 3),
    ]
    assert pyramid.fpn_convs_list[0][0].weight.shape == (4, 1 if depthwise else 4, 3, 3)
    assert pyramid.lateral_convs_list[2].weight.shape == (4, 24, 1, 1)


def test_what_flows_down_is_not_smoothed() -> None:
    """With smoothing switched off by a zero gamma the coarse levels are 0, yet C5 still reaches P3."""
    pyramid = FeaturePyramid((8, 16, 24), 4).set_train(False)
    c3, c4, c5 = pyramid_inputs()
    for level in (1, 2):
        norm = pyramid.fpn_convs_list[level][1]
        norm.gamma.set_data(Tensor(np.zeros(4, np.float32)))
    before = [level.asnumpy() for level in pyramid((c3, c4, c5))]
    after = [level.asnumpy() for level in pyramid((c3, c4, c5 + 5.0))]
    assert not before[1].any()
    assert not before[2].any()
    assert not np.allclose(before[0], after[0])


def test_coarse_levels_round_up() -> None:
    """10 -> 5 -> 3: what SSDLite at 320 px needs."""
    p6, p7 = CoarseLevels(4, depthwise=True).set_train(False)(Tensor(np.ones((1, 4, 10, 10), np.float32)))
    assert (p6.shape, p7.shape) == ((1, 4, 5, 5), (1, 4, 3, 3))
