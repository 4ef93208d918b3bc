"""From pictures to inputs: the same bits as the trained network sees."""

from dataclasses import replace

import numpy as np
import pytest
from ms_core.export.manifest import ImageInput
from ms_core.infer.pictures import PictureInput, fitted_size
from ms_core.single_shot.pipeline import network_input
from tiny_models import MEAN, SIZE, STD

SPEC = ImageInput(name="images", shape=(1, 3, *SIZE), dtype="float32", mean=MEAN, std=STD)
PICTURE = np.random.default_rng(0).integers(0, 256, (37, 41, 3), dtype=np.uint8)


def test_stretched_pictures_have_the_bits_of_training() -> None:
    np.testing.assert_array_equal(PictureInput(SPEC).of(PICTURE), network_input(PICTURE, SIZE))


@pytest.mark.parametrize(("size", "place"), [((40, 40), (20, 20)), ((10, 90), (3, 30)), ((1, 900), (1, 30))])
def test_fitted_pictures_keep_their_proportions(size: tuple[int, int], place: tuple[int, int]) -> None:
    assert fitted_size(size, SIZE) == place


def test_what_a_fitted_picture_leaves_free_is_zero() -> None:
    row = PictureInput(replace(SPEC, resize="fit")).of(PICTURE[:, :30])
    assert row.shape == (3, 20, 30)
    assert row[:, :, :16].any(axis=(1, 2)).all()
    assert not row[:, :, 16:].any()


def test_blue_first() -> None:
    turned = replace(SPEC, channels="BGR", mean=MEAN[::-1], std=STD[::-1])
    np.testing.assert_array_equal(PictureInput(turned).of(PICTURE), PictureInput(SPEC).of(PICTURE)[::-1])


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_a_graph_that_normalises_gets_the_pixels(channels: str) -> None:
    inside = replace(
        SPEC, shape=(1, *SIZE, 3), dtype="uint8", layout="NHWC", channels=channels, normalised_inside=True
    )
    made = PictureInput(inside)
    row = made.of(PICTURE)
    assert (row.shape, row.dtype) == ((*SIZE, 3), np.uint8)
    red = row[..., 0 if channels == "RGB" else 2]
    np.testing.assert_array_equal(red, made.resized(PICTURE)[..., 0])
    np.testing.assert_array_equal(made.mirrored(row), row[:, ::-1])


def test_own_levels_come_before_the_manifest() -> None:
    levels = np.tile(np.arange(256, dtype=np.float32), (3, 1))
    made = PictureInput(SPEC, levels=levels)
    np.testing.assert_array_equal(
        made.of(PICTURE), made.resized(PICTURE).transpose(2, 0, 1).astype(np.float32)
    )
