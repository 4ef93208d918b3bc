"""Drawing K labelled objects of every class."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled_sets import write_coco
from ms_core.data.open import open_dataset
from ms_core.errors import UserError
from ms_defrcn.shots import draw_shots

NAMES = ("ant", "bee", "cow")
PICTURES = {
    "a.jpg": ("ant", "bee", "bee", "cow"),
    "b.jpg": ("bee", "ant"),
    "c.jpg": ("cow", "cow", "cow"),
    "d.jpg": (),
    "e.jpg": ("bee?", "ant"),
    "f.jpg": ("cow*", "cow", "ant"),
    "g.jpg": ("bee",),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_coco(tmp_path_factory.mktemp("set") / "ann.json", PICTURES, NAMES))


def objects(shots):
    """(picture, box) of each object."""
    return [(shot.path.name, tuple(shot.boxes[0].tolist())) for shot in shots]


@settings(max_examples=60, deadline=None)
@given(shots=st.integers(1, 4), seed=st.integers(0, 2**31), names=st.permutations(NAMES))
def test_every_class_has_exactly_so_many_different_objects_of_its_own(dataset, shots, seed, names):
    drawn = draw_shots(dataset, names, shots, seed)
    assert drawn.classes == tuple(names)
    for label, (name, of_class) in enumerate(zip(names, drawn.shots, strict=True)):
        assert len(set(objects(of_class))) == len(of_class) == shots
        assert {file for file, _ in objects(of_class)} <= {
            f for f, t in PICTURES.items() if any(name in x for x in t)
        }
        assert all(shot.labels.tolist() == [label] and not shot.crowd.any() for shot in of_class)
    pictures = drawn.dataset()
    assert Counter(label for s in pictures.samples for label in s.labels.tolist()) == dict.fromkeys(
        range(3), shots
    )
    assert len({sample.id for sample in pictures.samples}) == len(pictures)


def test_the_same_seed_draws_the_same_objects_whatever_the_other_classes_are(dataset):
    alone, together = draw_shots(dataset, ("bee",), 2, 5), draw_shots(dataset, ("cow", "bee", "ant"), 2, 5)
    assert objects(alone.shots[0]) == objects(together.shots[1])
    draws = {tuple(objects(draw_shots(dataset, ("ant",), 2, seed).shots[0])) for seed in range(20)}
    assert len(draws) > 3


def test_pictures_give_all_their_objects_where_they_can(dataset):
    """What is not drawn of a picture would count as background."""
    for seed in range(20):
        bees = Counter(file for file, _ in objects(draw_shots(dataset, ("bee",), 2, seed).shots[0]))
        assert bees in ({"a.jpg": 2}, {"b.jpg": 1, "g.jpg": 1})
        (cow,) = objects(draw_shots(dataset, ("cow",), 1, seed).shots[0])
        assert cow[0] == "a.jpg"  # not of three in one picture, nor beside a crowd


def test_difficult_objects_are_drawn_where_there_are_not_enough_others(dataset):
    assert "e.jpg" in dict(objects(draw_shots(dataset, ("bee",), 5, 0).shots[0]))


def test_zero_takes_all(dataset):
    drawn = draw_shots(dataset, NAMES, 0, 0)
    assert [len(of_class) for of_class in drawn.shots] == [4, 5, 5]


def test_training_shows_each_picture_once_with_what_was_drawn_of_it(dataset):
    training = draw_shots(dataset, NAMES, 4, 0).dataset()
    files = [sample.path.name for sample in training.samples]
    assert len(files) == len(set(files))
    assert "d.jpg" not in files
    original = {sample.path.name: sample for sample in dataset.samples}
    for sample in training.samples:
        whole = original[sample.path.name]
        assert (sample.id, sample.width, sample.height) == (whole.id, whole.width, whole.height)
        known = {(tuple(box), label) for box, label in zip(whole.boxes.tolist(), whole.labels, strict=True)}
        assert {
            (tuple(b), label) for b, label in zip(sample.boxes.tolist(), sample.labels, strict=True)
        } <= known
        assert np.isfinite(sample.areas).all()
    assert training.category_ids == dataset.category_ids


@pytest.mark.parametrize(
    ("name", "shots", "message"),
    [
        ("cow", 6, r"ann.json: class 'cow' has 5 labelled objects, fewer than the 6 shots asked for"),
        ("elk", 1, r"ann.json: class 'elk' has no labelled object"),
    ],
)
def test_a_class_without_enough_objects_is_refused_by_name(dataset, name, shots, message):
    with pytest.raises(UserError, match=message):
        draw_shots(dataset, (name,), shots, 0)
