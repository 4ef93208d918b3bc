"""Resizing by matrix products against MindSpore's kernel and by hand."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops
from ms_segformer.bilinear import interpolation_matrix, resize_bilinear, sum_resized


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@pytest.fixture(autouse=True)
def operation_by_operation() -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)


def test_matrix_of_half_pixel_centres() -> None:
    expected = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    np.testing.assert_array_equal(interpolation_matrix(2, 4).asnumpy(), expected)
    np.testing.assert_array_equal(interpolation_matrix(4, 2).asnumpy(), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    np.testing.assert_array_equal(interpolation_matrix(5, 5).asnumpy(), np.eye(5))
    np.testing.assert_array_equal(interpolation_matrix(1, 3).asnumpy(), np.ones((3, 1)))


@pytest.mark.parametrize("length", [2, 13, 100, 511])
@pytest.mark.parametrize("resized", [1, 9, 64, 333])
def test_rows_of_the_matrix_sum_to_one(length: int, resized: int) -> None:
    matrix = interpolation_matrix(length, resized).asnumpy()
    np.testing.assert_allclose(matrix.sum(1), 1, atol=4e-5)
    assert (matrix >= 0).all()
    assert ((matrix > 0).sum(1) <= 2).all()


@pytest.mark.parametrize("size", [(16, 24), (37, 11), (3, 5), (8, 6), (1, 1)])
def test_resized_as_by_the_kernel(size: tuple[int, int]) -> None:
    x = drawn(2, 3, 8, 6)
    expected = ops.interpolate(x, size=size, mode="bilinear", align_corners=False).asnumpy()
    np.testing.assert_allclose(resize_bilinear(x, size).asnumpy(), expected, atol=1e-6)


def test_sum_of_maps() -> None:
    maps = drawn(2, 3, 4, 5), drawn(2, 3, 8, 10, seed=1), drawn(2, 3, 3, 7, seed=2)
    expected = sum(resize_bilinear(x, (16, 20)).asnumpy() for x in maps)
    np.testing.assert_allclose(sum_resized(maps, (16, 20)).asnumpy(), expected, atol=2e-6)


def test_half_precision_stays() -> None:
    x = drawn(1, 2, 4, 4)
    half = resize_bilinear(x.astype(ms.float16), (8, 8))
    assert half.dtype == ms.float16
    np.testing.assert_allclose(half.asnumpy(), resize_bilinear(x, (8, 8)).asnumpy(), atol=5e-3)
