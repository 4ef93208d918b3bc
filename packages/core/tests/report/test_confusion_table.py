"""The confusion matrix of many classes: the mixed-up part, nothing lost."""

import re

import numpy as np
from ms_core.report.confusion_table import confusion_block, focus, mixed_up, pixel_confusion_block

CLASSES = [f"class {k}" for k in range(80)]


def counts() -> np.ndarray:
    matrix = np.zeros((81, 81), np.int64)
    np.fill_diagonal(matrix, 100)
    matrix[7, 70] = 30
    matrix[3, 80] = 20  # missed
    matrix[80, 5] = 10  # false alarms
    return matrix


def test_classes_with_mistakes_stay_and_the_others_are_added_up() -> None:
    shown = focus(CLASSES, counts(), most=4)
    assert shown.names == ("class 3", "class 5", "class 7", "class 70", "76 other classes", "background")
    assert shown.counts.sum() == counts().sum()
    assert shown.counts[2, 3] == 30
    assert shown.counts[0, 5] == 20
    assert shown.counts[5, 1] == 10
    assert shown.counts[4, 4] == 76 * 100
    assert shown.hidden == 76


def test_few_classes_are_shown_as_they_are() -> None:
    matrix = np.arange(9).reshape(3, 3)
    shown = focus(["a", "b"], matrix)
    assert shown.names == ("a", "b", "background")
    np.testing.assert_array_equal(shown.counts, matrix)


def test_pairs_that_are_mixed_up() -> None:
    assert mixed_up(CLASSES, counts()) == [("class 7", "class 70", 30, 30 / 130)]
    assert mixed_up(["a"], np.ones((2, 2), int)) == []


def test_the_block_is_bounded_and_names_are_text() -> None:
    block = confusion_block(CLASSES, counts(), 0.5, 0.3)
    assert block.count("<td") <= 23 * 23 + 4
    assert "&lt;b&gt;" in confusion_block(["<b>"], np.ones((2, 2), int), 0.5, 0.3)


def test_pixels_have_no_background() -> None:
    matrix = counts()[:80, :80]
    shown = focus(CLASSES, matrix, most=4)
    assert shown.names == ("class 0", "class 1", "class 7", "class 70", "76 other classes")
    assert shown.counts.sum() == matrix.sum()
    assert (shown.counts[2, 3], shown.counts[4, 4]) == (30, 76 * 100)
    assert focus(["a"], np.ones((1, 1), int)).names == ("a",)


def test_pixels_are_shown_as_shares_and_the_pairs_by_them() -> None:
    matrix = np.array([[90_000, 9_600, 400], [1, 9, 0], [0, 0, 0]])
    assert mixed_up(["a", "b", "c"], matrix, by_share=True)[0] == ("b", "a", 1, 0.1)
    assert mixed_up(["a", "b", "c"], matrix)[0] == ("a", "b", 9600, 0.096)
    block = pixel_confusion_block(["<a>", "b", "c"], matrix)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", block)
    assert cells[1:10] == ["90", "10", "0", "10", "90", "0", "0", "0", "0"]
    assert "&lt;a&gt;" in block
    assert "9.6 %" in block
