"""The shapes that pictures are filled up to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_defrcn.config import InputConfig
from ms_defrcn.resize import fitted_size
from ms_defrcn.shapes import batch_shape, inference_shapes, padded_shapes, training_shapes

COCO = InputConfig()


def test_the_shapes_of_the_published_recipes() -> None:
    assert padded_shapes(800, 1333) == (
        (800, 1072),
        (1072, 800),
        (800, 1344),
        (1344, 800),
        (1072, 1072),
        (1344, 1344),
    )
    assert training_shapes(COCO) == padded_shapes(800, 1333)
    assert inference_shapes(COCO) == padded_shapes(800, 1333)[:4]


def test_a_long_side_that_is_short_leaves_fewer_shapes() -> None:
    assert padded_shapes(320, 427) == ((320, 432), (432, 320), (432, 432))
    assert padded_shapes(320, 330) == ((320, 336), (336, 320), (336, 336))
    assert padded_shapes(320, 320) == ((320, 320),)


def test_training_and_evaluation_have_their_own_short_side() -> None:
    config = InputConfig(short_sides=(320, 480), test_short_side=320, max_side=640)
    assert training_shapes(config) == padded_shapes(480, 640)
    assert inference_shapes(config) == ((320, 432), (432, 320), (320, 640), (640, 320))
    square = InputConfig(short_sides=(320,), test_short_side=320, max_side=320)
    assert inference_shapes(square) == ((320, 320),)


def test_exact_pictures_have_no_shapes() -> None:
    exact = replace(COCO, shapes="exact")
    assert (training_shapes(exact), inference_shapes(exact)) == ((), ())


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(800, 1067)], (800, 1072)),
        ([(640, 640)], (800, 1072)),
        ([(1199, 800)], (1344, 800)),
        ([(800, 1067), (800, 1199)], (800, 1344)),
        ([(800, 1067), (1067, 800)], (1072, 1072)),
        ([(800, 1333), (1333, 800)], (1344, 1344)),
    ],
)
def test_the_smallest_shape_that_holds_all_is_taken(sizes, expected) -> None:
    assert batch_shape(sizes, padded_shapes(800, 1333)) == expected


def test_without_shapes_the_largest_sides_count() -> None:
    assert batch_shape([(600, 901), (707, 800)], ()) == (707, 901)


sides = st.integers(1, 4000)


@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=4), st.integers(32, 900), st.integers(0, 900))
def test_there_is_a_shape_for_every_batch(sizes, short_side: int, more: int) -> None:
    config = InputConfig((short_side,), short_side, short_side + more)
    fitted = [fitted_size(size, short_side, config.max_side) for size in sizes]
    shapes = training_shapes(config)
    height, width = batch_shape(fitted, shapes)
    assert all(h <= height and w <= width for h, w in fitted)
    assert len(shapes) <= 6
    assert all(side % 16 == 0 for shape in shapes for side in shape)
    for size in fitted:
        assert batch_shape([size], inference_shapes(config)) == batch_shape([size], shapes)
