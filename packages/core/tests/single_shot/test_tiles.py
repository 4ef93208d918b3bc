"""Tiles cover the picture, and every object is found once wherever the borders run."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.detection.detections import Detections
from ms_core.single_shot.config import InferenceConfig, PostprocessConfig
from ms_core.single_shot.tiles import merge_tiles, tiles_of, worth_keeping
from ms_core.single_shot.views import PictureDetector, detect_all
from painted import RectangleFinder, painted


@given(st.integers(1, 900), st.integers(1, 900), st.integers(32, 400), st.floats(0, 0.9))
@settings(max_examples=200, deadline=None)
def test_tiles_cover_the_picture_with_the_overlap_asked_for(width, height, side, overlap):
    whole, *tiles = tiles_of(width, height, side, overlap)
    assert (whole.x0, whole.y0, whole.x1, whole.y1) == (0, 0, width, height)
    seen = np.zeros((height, width), bool)
    for tile in tiles:
        assert tile.size == (min(side, width), min(side, height))
        tile.of(seen)[:] = True
    assert seen.all() == (max(width, height) > side)
    for low, shown in ((sorted({t.x0 for t in tiles}), width), (sorted({t.y0 for t in tiles}), height)):
        if len(low) > 1:
            assert max(np.diff(low)) <= np.ceil(max(side * (1 - overlap), 1))
            assert low[-1] + side == shown


def test_no_tiles_for_small_pictures_or_when_off():
    assert len(tiles_of(640, 480, 640, 0.25)) == 1
    assert len(tiles_of(6400, 480, 0, 0.25)) == 1
    assert len(tiles_of(641, 480, 640, 0.25)) == 3


def test_a_cut_box_counts_only_where_no_other_tile_shows_it_whole():
    tiles = tiles_of(180, 100, 100, 0.2)  # 0-100 and 80-180
    boxes = np.array([[85, 10, 99.5, 30], [60, 10, 99.5, 30], [0, 0, 50, 100], [40, 0, 95, 100]], np.float32)
    assert worth_keeping(boxes, tiles[1], tiles).tolist() == [False, True, True, True]


def detector(finder: RectangleFinder, **looks: float) -> PictureDetector:
    postprocess = PostprocessConfig(nms_threshold=0.5, min_score=0.3)
    return PictureDetector(finder, (100, 100), postprocess, 4, InferenceConfig(**looks))


def found_boxes(found: Detections) -> list[tuple[int, ...]]:
    rows = zip(found.boxes.round().astype(int).tolist(), found.labels.tolist(), strict=True)
    return sorted((*box, label) for box, label in rows)


@pytest.mark.parametrize("flip", [False, True])
def test_objects_on_tile_borders_are_found_once(flip: bool):
    """Tiles of 100 with 40 shared, begin at 0, 60, 120 ..: objects of 10-36 pixels across every border and corner."""
    objects = [
        (90, 5, 110, 15, 0),  # across the end of the first tile
        (55, 30, 65, 40, 1),  # across the beginning of the second
        (85, 85, 121, 121, 2),  # over a corner, in one tile whole
        (150, 50, 165, 65, 0),
        (0, 200, 10, 236, 1),  # at the picture's own border, across inner ones
        (270, 270, 300, 300, 2),
    ]
    image = painted(300, 300, *objects)
    finder = RectangleFinder(
        smallest=90
    )  # the whole picture, three times smaller, shows only the two largest
    assert len(detector(finder)(image)) == 2
    assert found_boxes(detector(finder, tile=100, tile_overlap=0.4, flip=flip)(image)) == sorted(objects)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_one_object_anywhere_is_found_once(seed: int):
    rng = np.random.default_rng(seed)
    width, height = rng.integers(150, 330, 2)
    w, h = rng.integers(8, 38, 2)  # at most the overlap, less the margin
    x, y = rng.integers(0, width - w), rng.integers(0, height - h)
    image = painted(width, height, (x, y, x + w, y + h, 0))
    found = detector(RectangleFinder(), tile=100, tile_overlap=0.4)(image)
    assert len(found) == 1
    assert np.abs(found.boxes[0] - (x, y, x + w, y + h)).max() <= max(width, height) / 100


def test_an_object_longer_than_the_overlap_is_left_to_the_whole_picture():
    image = painted(300, 100, (39, 20, 261, 80, 0))
    found = detector(RectangleFinder(), tile=100, tile_overlap=0.2)(image)
    assert found_boxes(found) == [(39, 20, 261, 80, 0)]  # no pieces beside it, though they scored higher


def test_a_long_object_that_the_whole_picture_misses_stays_in_pieces():
    tiles = tiles_of(180, 100, 100, 0.2)
    left = Detections(np.array([[50, 10, 100, 30]]), np.array([0.9]), np.array([0]))
    right = Detections(np.array([[80, 10, 150, 30]]), np.array([0.8]), np.array([0]))
    merged = merge_tiles([Detections.empty(), left, right], tiles, PostprocessConfig())
    assert len(merged) == 2
    other_class = Detections(np.array([[50, 10, 150, 30]]), np.array([0.4]), np.array([1]))
    assert len(merge_tiles([other_class, left, right], tiles, PostprocessConfig())) == 3
    same_class = Detections(np.array([[50, 10, 150, 30]]), np.array([0.4]), np.array([0]))
    assert len(merge_tiles([same_class, left, right], tiles, PostprocessConfig())) == 1


def test_tiles_share_batches_and_pictures_keep_their_order():
    finder = RectangleFinder()
    tiled = detector(finder, tile=100, tile_overlap=0.2)
    pictures = [
        painted(300, 90, (10, 10, 50, 50, 0)),
        painted(90, 90),
        painted(90, 250, (5, 200, 60, 240, 1)),
    ]
    found = tiled.detect([tiled.prepare(picture) for picture in pictures])
    assert [d.labels.tolist() for d in found] == [[0], [], [1]]
    assert finder.calls == [4, 4, 4]  # 5 + 1 + 4 views in batches of four


def test_no_more_threads_read_than_there_are_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    finder = PictureDetector(RectangleFinder(), (100, 100), PostprocessConfig(), 4)
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for path in paths:
        cv2.imwrite(str(path), painted(90, 90))
    threads: set[int] = set()
    prepare = finder.prepare
    monkeypatch.setattr(finder, "prepare", lambda image: threads.add(threading.get_ident()) or prepare(image))
    assert [path for path, _ in detect_all(finder, paths, workers=6)] == paths
    assert len(threads) == 1


def test_the_caps_hold_over_all_tiles():
    objects = [(x, y, x + 10, y + 10, 0) for x in range(10, 300, 40) for y in range(10, 300, 40)]
    image = painted(300, 300, *objects)
    rule = PostprocessConfig(max_per_class=50, max_detections=20)
    looks = InferenceConfig(tile=100)
    assert len(PictureDetector(RectangleFinder(100), (100, 100), rule, 2, looks)(image)) == 20
    everything = PostprocessConfig(max_per_class=100)
    assert len(PictureDetector(RectangleFinder(100), (100, 100), everything, 2, looks)(image)) == len(objects)
