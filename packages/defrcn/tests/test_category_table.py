"""The old log's table of categories."""

import numpy as np
from ms_core.evaluation.coco_metrics import ClassScore, CocoMetrics
from ms_defrcn.category_table import category_table

OLD_LOG = """\
Per-category bbox AP:
| category       | AP     | category      | AP     | category     | AP     |
| :------------- | :----- | :------------ | :----- | :----------- | :----- |
| truck          | 32.593 | traffic light | 22.976 | fire hydrant | 65.070 |
| baseball glove | 28.363 | skateboard    | 45.186 | book         | 6.091  |
"""


def metrics(**aps: float) -> CocoMetrics:
    """Numbers with these APs; an underscore stands for a blank."""
    scores = tuple(
        ClassScore(number, name.replace("_", " "), ap, ap, 1) for number, (name, ap) in enumerate(aps.items())
    )
    shape = (10, 101, len(aps))
    return CocoMetrics(np.zeros(12), scores, np.zeros(shape), np.zeros(shape))


def test_the_lines_of_the_old_log():
    aps = {
        "truck": 0.32593,
        "traffic_light": 0.22976,
        "fire_hydrant": 0.6507,
        "baseball_glove": 0.28363,
        "skateboard": 0.45186,
        "book": 0.06091,
    }
    names = [name.replace("_", " ") for name in aps]
    assert category_table(metrics(**aps), names) == OLD_LOG.splitlines()


def test_the_last_row_is_filled_up_and_unknown_is_nan():
    lines = category_table(metrics(a=0.5, b=-1, c=0.25, d=1), ["d", "c", "b", "a"])
    assert lines[3].split() == ["|", "d", "|", "100.000", "|", "c", "|", "25.000", "|", "b", "|", "nan", "|"]
    assert [cell.strip() for cell in lines[4].split("|")[1:-1]] == ["a", "50.000", "", "", "", ""]
    assert len({len(line) for line in lines[1:]}) == 1


def test_fewer_classes_than_columns():
    assert category_table(metrics(cow=0.125), ["cow"])[1:] == [
        "| category | AP     |",
        "| :------- | :----- |",
        "| cow      | 12.500 |",
    ]
