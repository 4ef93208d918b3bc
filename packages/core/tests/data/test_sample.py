"""The record type, and its way into pycocotools."""

import contextlib
import io

import numpy as np
from ms_core.data.open import open_dataset
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def test_perfect_detections_score_one_in_pycocotools(coco_file):
    boxes = [
        [(90, [1, 2, 30, 40]), (3, [5, 6, 7, 8])],
        [(3, [0, 0, 64, 48], {"iscrowd": 1})],
        [(90, [9, 9, 9, 9])],
    ]
    dataset = open_dataset(coco_file(boxes, {90: "dog", 3: "cat"}))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dataset.to_coco()
        truth.createIndex()
        found = truth.loadRes(
            [{**entry, "score": 0.9} for entry in truth.dataset["annotations"] if not entry["iscrowd"]]
        )
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == 1


def test_columns_have_one_row_a_box(coco_file):
    dataset = open_dataset(coco_file([[(3, [1, 2, 3, 4])] * 3, []]))
    for sample, count in zip(dataset.samples, (3, 0), strict=True):
        columns = (sample.boxes, sample.labels, sample.crowd, sample.difficult, sample.areas)
        assert [len(column) for column in columns] == [count] * 5
    assert (len(dataset), dataset.box_count) == (2, 3)


def test_numbers_with_three_decimals_survive_float32():
    numbers = np.arange(16_000_000, 16_384_000, 7) / 1000
    np.testing.assert_array_equal(np.round(numbers.astype(np.float32).astype(np.float64), 3), numbers)


def test_select_keeps_the_columns_together(coco_file):
    boxes = [
        (3, [1, 2, 3, 4], {"iscrowd": 1}),
        (7, [5, 6, 7, 8], {"difficult": 1}),
        (3, [1, 1, 9, 9], {"area": 5}),
    ]
    (sample,) = open_dataset(coco_file([boxes])).samples
    for keep, rows in (
        (np.array([False, True, True]), [1, 2]),
        (np.array([2, 0]), [2, 0]),
        (np.zeros(3, bool), []),
    ):
        selected = sample.select(keep)
        for name in ("boxes", "labels", "crowd", "difficult", "areas"):
            column = getattr(sample, name)
            np.testing.assert_array_equal(getattr(selected, name), column[rows])
            assert getattr(selected, name).dtype == column.dtype
        assert (selected.id, selected.path, selected.width) == (sample.id, sample.path, sample.width)
    assert len(sample.labels) == 3
