"""The synthetic shapes are a sound COCO set that a seed repeats."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from ms_core.data.check import check_datasets
from ms_core.data.config import DetectionDataConfig
from ms_core.data.images import read_image
from ms_core.data.open import open_dataset
from ms_core.data.synthetic import LARGEST_OVERLAP, SHAPES, make_shapes
from ms_core.errors import UserError


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    content = b"".join(path.relative_to(folder).as_posix().encode() + path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()


def test_a_seed_repeats_the_set(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_shapes(tmp_path / name, train=3, val=2, seed=seed, size=96)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_a_longer_set_starts_alike(tmp_path):
    make_shapes(tmp_path / "a", train=2, val=1, size=96)
    make_shapes(tmp_path / "b", train=4, val=1, size=96)
    for name in ("train-00001.jpg", "val-00000.jpg"):
        assert (tmp_path / "a/images" / name).read_bytes() == (tmp_path / "b/images" / name).read_bytes()


def test_check_finds_no_fault(tmp_path):
    shapes = make_shapes(tmp_path, train=24, val=8, size=96)
    report = check_datasets(DetectionDataConfig(train=str(shapes.train), val=str(shapes.val)))
    assert report.problems == ()
    assert report.classes == ("circle", "square", "triangle")


def test_objects_are_large_few_and_apart(tmp_path):
    dataset = open_dataset(make_shapes(tmp_path, train=40, val=1, classes=SHAPES, colours="any").train)
    for sample in dataset.samples:
        assert 1 <= len(sample.labels) <= 4
        sides = (sample.boxes[:, 2:] - sample.boxes[:, :2]).max(axis=1) / sample.width
        assert (sides > 0.17).all()
        assert (sides < 0.72).all()
        for i, one in enumerate(sample.boxes):
            for other in sample.boxes[:i]:
                shared = np.clip(
                    np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None
                ).prod()
                smaller = min((box[2:] - box[:2]).prod() for box in (one, other))
                assert shared <= LARGEST_OVERLAP * smaller + 1e-3
        boxes = (sample.boxes[:, 2:] - sample.boxes[:, :2]).prod(axis=1)
        assert (sample.areas <= boxes).all()
        assert (sample.areas > boxes * 0.25).all()


def test_boxes_are_tight_around_colour(tmp_path):
    """Shapes are saturated, the ground is not: the saturated pixels of a lone shape span its box."""
    dataset = open_dataset(make_shapes(tmp_path, train=30, val=1).train)
    lone = [sample for sample in dataset.samples if len(sample.labels) == 1]
    assert len(lone) > 3
    for sample in lone:
        image = read_image(sample.path).astype(int)
        clear = image.max(axis=2) - image.min(axis=2) > 100
        ys, xs = np.flatnonzero(clear.sum(axis=1) > 1), np.flatnonzero(clear.sum(axis=0) > 1)
        found = np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1])
        np.testing.assert_allclose(found, sample.boxes[0], atol=6)


def test_faulty_wishes(tmp_path):
    with pytest.raises(UserError, match="no shape 'heart'"):
        make_shapes(tmp_path, classes=("heart",))
    with pytest.raises(UserError, match="shapes: 0 train and 1 val"):
        make_shapes(tmp_path, train=0, val=1)


def test_other_files_are_left_alone(tmp_path):
    make_shapes(tmp_path / "ours", train=1, val=1, size=64)
    make_shapes(tmp_path / "ours", train=1, val=1, size=64)
    (tmp_path / "train.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="holds other files"):
        make_shapes(tmp_path, train=1, val=1)


def test_classes_that_are_not_drawn_keep_their_place_and_the_others_their_colours(tmp_path):
    whole = make_shapes(tmp_path / "all", train=6, val=1, size=96, classes=SHAPES)
    some = make_shapes(tmp_path / "some", train=6, val=1, size=96, classes=SHAPES, drawn=("star", "cross"))
    dataset = open_dataset(some.train)
    assert dataset.classes == open_dataset(whole.train).classes == tuple(SHAPES)
    shown = {dataset.classes[label] for sample in dataset.samples for label in sample.labels}
    assert shown == {"star", "cross"}
    same = make_shapes(tmp_path / "same", train=6, val=1, size=96, classes=SHAPES, drawn=SHAPES)
    assert digest(same.images) == digest(whole.images)
    with pytest.raises(UserError, match="no shape 'star'"):
        make_shapes(tmp_path / "no", classes=("circle",), drawn=("star",))
