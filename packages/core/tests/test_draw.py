"""Drawn pictures: everything stays inside, nothing given is changed, any name is legible."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core import draw
from ms_core.detection.detections import Detections
from ms_core.errors import UserError

CLASSES = ("cat", "Füßgänger", "猫", "a class name far too long for any small picture")


@given(
    seed=st.integers(0, 2**32 - 1),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    count=st.integers(0, 6),
    scored=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_boxes_on_any_picture(seed: int, width: int, height: int, count: int, scored: bool) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    before = image.copy()
    boxes = rng.normal(100, 200, (count, 4)).astype(np.float32)
    boxes[rng.random((count, 4)) < 0.05] = rng.choice([np.nan, np.inf, -np.inf])
    labels = rng.integers(0, len(CLASSES), count)
    drawn = draw.draw_detections(image, boxes, labels, rng.random(count) if scored else None, CLASSES)
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert drawn.flags.writeable
    np.testing.assert_array_equal(image, before)
    if not np.isfinite(boxes).all(axis=1).any():
        np.testing.assert_array_equal(drawn, image)


@given(
    box=st.lists(st.integers(0, 299), min_size=4, max_size=4),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    plate=st.tuples(st.integers(1, 400), st.integers(1, 40)),
)
def test_plates_stay_in_the_picture(box: list[int], width: int, height: int, plate: tuple[int, int]) -> None:
    corners = draw._in_picture(np.array([box]), width, height)[0]
    for left, top, right, bottom in draw._places(corners, plate, (width, height)):
        assert 0 <= left <= right <= width - 1
        assert 0 <= top <= bottom <= height - 1


def test_labels_of_crowded_boxes_do_not_hide_each_other() -> None:
    boxes = np.array([[100, 100, 300, 300]] * 4, np.float32)
    style = draw._Style.for_picture(640, 480)
    placed: list[draw._Plate] = []
    for box in boxes:
        placed.append(
            draw._place(draw._Text("cat", " 0.50"), box.astype(int), (9, 9, 9), style, placed, (640, 480))
        )
    assert not any(a.overlaps(b) for i, a in enumerate(placed) for b in placed[:i])


def test_box_edges_have_the_colour_of_the_class() -> None:
    image = np.full((200, 300, 3), 255, np.uint8)
    drawn = draw.draw_detections(image, np.array([[50, 60, 250, 180]]), np.array([1]), None, CLASSES)
    assert tuple(drawn[120, 50]) == draw.class_colour(1)
    assert tuple(drawn[180, 150]) == draw.class_colour(1)
    assert tuple(drawn[120, 150]) == (255, 255, 255)


def test_colours_are_distinct() -> None:
    colours = np.array([draw.class_colour(label) for label in range(80)], float)
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=2) + 999 * np.eye(80)
    assert distances[:10, :10].min() > 60
    assert distances.min() > 8


def test_truth_and_prediction_side_by_side() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    found = Detections(np.array([[10, 40, 60, 90]]), np.array([0.5]), np.array([0]))
    both = draw.truth_and_prediction(image, np.zeros((0, 4)), np.zeros(0, int), found, CLASSES)
    assert both.shape[0] == 100
    assert both.shape[1] >= 400
    assert not both[:, :200].any()
    assert both[:, -200:].any()


def test_contact_sheet_places_row_by_row() -> None:
    images = [np.full((40 + 10 * i, 60, 3), 50 * (i + 1), np.uint8) for i in range(5)]
    sheet = draw.contact_sheet(images, columns=3, tile=(90, 90), gap=10)
    assert sheet.shape == (2 * 100 + 10, 3 * 100 + 10, 3)
    assert sheet[55, 55, 0] == 50
    assert sheet[155, 155, 0] == 250
    assert draw.contact_sheet(images[:1], columns=4, tile=(90, 90), gap=0).shape == (90, 90, 3)
    with pytest.raises(UserError, match="no pictures"):
        draw.contact_sheet([])


@pytest.mark.parametrize("name", ["schön 猫.png", "with space.jpg", "UPPER.PNG"])
def test_save_image_takes_any_name(name: str, tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[..., 0] = 200
    draw.save_image(tmp_path / name, image)
    read = cv2.imdecode(np.fromfile(tmp_path / name, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(read.astype(int) - image).max() <= 4
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["picture.xyz", "picture"])
def test_save_image_names_a_wrong_format(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"picture.*Use \.jpg or \.png"):
        draw.save_image(tmp_path / name, np.zeros((5, 5, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_save_image_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"):
        draw.save_image(tmp_path / "nowhere" / "a.png", np.zeros((5, 5, 3), np.uint8))
