"""Values to labels: against the rule written out pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ms_core.errors import UserError
from ms_core.segmentation.cityscapes_labels import CLASSES, LABELS, PALETTE
from ms_core.segmentation.classes import MaskClasses
from ms_core.segmentation.coding import (
    IGNORE,
    UNKNOWN,
    MaskCoding,
    cityscapes_coding,
    colour_coding,
    index_coding,
)

HERE = Path("masks/a.png")
MASKS = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 255))


def by_hand(value: int, count: int, ignore: int, reduce_zero_label: bool) -> int | None:
    """The label of one value; None where it means nothing."""
    if value == ignore or (reduce_zero_label and value == 0):
        return IGNORE
    label = value - 1 if reduce_zero_label else value
    return label if 0 <= label < count else None


@settings(deadline=None, max_examples=150)
@given(mask=MASKS, count=st.integers(1, 254), ignore=st.integers(0, 255), reduce=st.booleans())
def test_values_by_the_rule(mask: np.ndarray, count: int, ignore: int, reduce: bool) -> None:
    coding = index_coding(count, ignore=ignore, reduce_zero_label=reduce)
    expected = [by_hand(int(value), count, ignore, reduce) for value in mask.ravel()]
    if None in expected:
        foreign = {str(value) for value, label in zip(mask.ravel(), expected, strict=True) if label is None}
        labels = coding.look_up(mask)
        assert set(coding.foreign(mask, labels)) == foreign
        assert (labels.ravel() == UNKNOWN).tolist() == [label is None for label in expected]
        with pytest.raises(UserError, match=r"masks/a\.png: values? "):
            coding.labels(mask, HERE)
    else:
        assert coding.labels(mask, HERE).ravel().tolist() == expected


@settings(deadline=None, max_examples=25)
@given(labels=arrays(np.uint8, (4, 5), elements=st.sampled_from([*range(19), IGNORE])))
def test_colours_return_the_labels(labels: np.ndarray) -> None:
    painted = np.concatenate((PALETTE, np.full((237, 3), 255, np.uint8)))[labels]
    assert (CITYSCAPES_COLOURS.labels(painted, HERE) == labels).all()


CITYSCAPES_COLOURS = colour_coding(MaskClasses(CLASSES, PALETTE, coloured=True))


def message(coding: MaskCoding, mask: np.ndarray) -> str:
    with pytest.raises(UserError) as caught:
        coding.labels(mask, HERE)
    return str(caught.value)


def test_value_33_is_named_with_its_pixels() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[:3, :5], mask[5, 5] = 33, 19
    text = message(cityscapes_coding(False), mask)
    assert text.startswith(
        "masks/a.png: values 33 (15 pixels), 19 (1 pixels) are no classes; classes are 0-18, 255 for"
    )
    assert "--data.labels labelIds" in text
    assert "pass --data.ignore" in message(index_coding(19), mask)


def test_many_values_are_cut_short() -> None:
    text = message(index_coding(2), np.arange(20, dtype=np.uint8).reshape(4, 5))
    assert (
        "2 (1 pixels), 3 (1 pixels), 4 (1 pixels), 5 (1 pixels), 6 (1 pixels) and 13 more are no classes"
        in text
    )


def test_void_index_behind_the_classes() -> None:
    coding = index_coding(11, ignore=11)
    assert coding.labels(np.array([[0, 10, 11]], np.uint8), HERE).tolist() == [[0, 10, IGNORE]]
    assert "255 (1 pixels) is no class; classes are 0-10, 11 for" in message(
        coding, np.array([[255]], np.uint8)
    )


def test_label_ids_become_training_ids() -> None:
    ids = np.array([[label.id for label in LABELS if label.id >= 0]], np.uint8)
    expected = [label.train_id for label in LABELS if label.id >= 0]
    assert cityscapes_coding(True).labels(ids, HERE).tolist() == [expected]
    assert "34 (1 pixels) is no class" in message(cityscapes_coding(True), np.array([[34]], np.uint8))


def test_unknown_colour_is_named() -> None:
    mask = np.zeros((2, 3, 3), np.uint8)
    mask[:] = (128, 64, 128)
    mask[0, 1] = (1, 2, 3)
    assert "colour 1 2 3 (1 pixels) is no class; 20 colours are known" in message(CITYSCAPES_COLOURS, mask)


def test_grey_of_the_ignored_value_is_a_colour_unless_a_class_has_it() -> None:
    classes = MaskClasses(("black", "red"), np.array([(0, 0, 0), (255, 0, 0)], np.uint8), True, ((9, 9, 8),))
    mask = np.array([[(0, 0, 0), (7, 7, 7), (9, 9, 8), (255, 0, 0)]], np.uint8)
    assert colour_coding(classes, ignore=7).labels(mask, HERE).tolist() == [[0, IGNORE, IGNORE, 1]]
    assert colour_coding(classes, ignore=0).labels(mask[:, :1], HERE).tolist() == [[0]]


def test_grey_values_saved_as_rgb_are_values() -> None:
    mask = np.repeat(np.array([[0, 1, 255]], np.uint8)[..., None], 3, axis=2)
    assert index_coding(2).labels(mask, HERE).tolist() == [[0, 1, IGNORE]]


def test_renumbered_by_other_classes() -> None:
    turned = index_coding(3, ignore=7).numbered([2, 0, 5])
    assert turned.labels(np.array([[0, 1, 2, 7]], np.uint8), HERE).tolist() == [[2, 0, 5, IGNORE]]
    assert "3 (1 pixels) is no class" in message(turned, np.array([[3]], np.uint8))
