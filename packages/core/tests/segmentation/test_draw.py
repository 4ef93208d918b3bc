"""Every pixel has the colour of its class, and what is wrong is seen."""

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation import draw

PALETTE = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)
CLASSES = ("road", "猫", "<b>&")


def test_colours_of_classes_and_of_what_is_none() -> None:
    labels = np.array([[0, 1, 2], [3, 254, 255]], np.uint8)
    coloured = draw.colour_map(labels, PALETTE, ignore_colour=(9, 8, 7))
    np.testing.assert_array_equal(coloured[0], PALETTE)
    assert (coloured[1] == (9, 8, 7)).all()
    assert coloured.dtype == np.uint8
    assert not draw.colour_map(labels, PALETTE)[1].any()
    full = draw.colour_map(np.arange(256, dtype=np.uint8)[None], np.repeat(PALETTE, 85, axis=0)[:255])
    assert full[0, 254].any()
    assert not full[0, 255].any()


def test_overlay_blends_classes_and_leaves_the_rest() -> None:
    image = np.full((1, 3, 3), 100, np.uint8)
    labels = np.array([[0, 2, 255]], np.uint8)
    blended = draw.overlay(image, labels, PALETTE, alpha=0.25)
    assert blended.tolist() == [[[125, 75, 75], [75, 75, 125], [100, 100, 100]]]
    assert (image == 100).all()
    with pytest.raises(UserError, match="the labels are 2x1, what they belong to is 3x1 pixels"):
        draw.overlay(image, labels[:, :2], PALETTE)


def test_errors_stand_out_and_ignored_pixels_are_flat() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    truth = np.zeros((20, 30), np.uint8)
    truth[:, 20:] = 255
    prediction = np.zeros((20, 30), np.uint8)
    prediction[:, 10:] = 1
    drawn = draw.error_map(image, truth, prediction, 3).astype(int)
    right, wrong, ignored = drawn[:, :10], drawn[:, 10:20], drawn[:, 20:]
    assert (np.ptp(right, axis=2) == 0).all()
    assert (wrong[..., 0] - wrong[..., 1:].max(axis=2) > 100).all()
    assert (ignored == draw.IGNORED).all()
    assert right.max() < min(draw.IGNORED)


def test_outcome_has_four_panels_and_keeps_the_shape_of_the_picture() -> None:
    image = np.full((60, 120, 3), 90, np.uint8)
    truth = np.zeros((30, 60), np.uint8)
    truth[:, 30:] = 1
    truth[:3] = 255
    prediction = np.where(truth == 255, 2, truth).astype(np.uint8)
    prediction[15:] = 2
    drawn = draw.draw_segmentation_outcome(image, truth, prediction, PALETTE, side=(120, 120))
    title = 2 * 10
    assert drawn.shape == (2 * (60 + title), 2 * 120 + 6, 3)
    picture, errors = drawn[title : title + 60, :120], drawn[title : title + 60, 126:]
    annotated, predicted = drawn[-60:, :120], drawn[-60:, 126:]
    assert (picture == 90).all()
    assert (errors[2, 5] == draw.IGNORED).all()
    assert errors[50, 5, 0] > 150
    assert np.ptp(errors[20, 5].astype(int)) == 0
    assert (annotated[50, 10] == PALETTE[0]).all()
    assert (annotated[50, 110] == PALETTE[1]).all()
    assert not annotated[2].any()
    assert (predicted[50] == PALETTE[2]).all()
    with pytest.raises(UserError, match="the prediction are 60x15"):
        draw.draw_segmentation_outcome(image, truth, prediction[:15], PALETTE)


def test_a_picture_without_annotated_pixels_is_drawn() -> None:
    nothing = np.full((40, 40), 255, np.uint8)
    drawn = draw.draw_segmentation_outcome(
        np.zeros((40, 40, 3), np.uint8), nothing, nothing * 0, PALETTE, side=(64, 64)
    )
    assert drawn.shape[1] == 2 * 64 + 6


def test_legend_breaks_lines_and_shows_every_colour() -> None:
    wide = draw.legend(CLASSES, PALETTE, 900)
    narrow = draw.legend(CLASSES, PALETTE, 120)
    assert wide.shape == (36, 900, 3)
    assert narrow.shape[1] == 120
    assert narrow.shape[0] > wide.shape[0]
    for strip in (wide, narrow):
        for colour in PALETTE:
            assert (strip == colour).all(axis=2).any()


def test_sheet_explains_the_colours_of_classes_and_errors() -> None:
    tiles = [np.zeros((50, 200, 3), np.uint8)] * 3
    sheet = draw.outcome_sheet(tiles, CLASSES, PALETTE)
    assert sheet.shape[1] == 2 * 200 + 3 * 6
    for colour in (*PALETTE, draw.WRONG, draw.IGNORED):
        assert (sheet == colour).all(axis=2).any()
    with pytest.raises(UserError, match="no pictures"):
        draw.outcome_sheet([], CLASSES, PALETTE)
