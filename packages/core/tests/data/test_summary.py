"""A dataset in numbers, counted by hand."""

import json
from pathlib import Path

import numpy as np
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.data.summary import SIDE_EDGES, summarise_dataset, write_data_summary


def dataset() -> DetectionDataset:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 50, 50], [0, 0, 100, 100]], np.float32)
    none = np.zeros(3, bool)
    full = Sample(
        1, Path("a.jpg"), 100, 100, boxes, np.array([0, 2, 2], np.int32), none, none, boxes[:, 2] ** 2
    )
    empty = full.select(none)
    return DetectionDataset(
        ("a", "b", "猫"), (1, 2, 3), (full, empty), Path("train.txt"), "txt", notes=("a note",)
    )


def test_images_boxes_and_sizes() -> None:
    summary = summarise_dataset(dataset())
    assert (summary["images"], summary["empty"], summary["boxes"], summary["most_in_one_image"]) == (
        2,
        1,
        3,
        3,
    )
    assert summary["class_boxes"] == [1, 0, 2]
    assert summary["class_images"] == [1, 0, 1]
    assert (summary["small"], summary["medium"], summary["large"]) == (1, 1, 1)
    np.testing.assert_allclose(summary["side_quantiles"][1], 0.5)
    assert sum(summary["side_histogram"]) == 3
    assert summary["side_histogram"][-1] == 1
    assert len(summary["side_histogram"]) == len(SIDE_EDGES) - 1


def test_a_split_without_boxes(tmp_path: Path) -> None:
    bare = DetectionDataset(("a",), (1,), (), Path("none.txt"), "txt")
    write_data_summary(tmp_path / "data.json", {"train": bare, "val": None}, (300, 300))
    written = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))
    assert list(written["splits"]) == ["train"]
    assert written["splits"]["train"]["side_quantiles"] == []
    assert written["input_size"] == [300, 300]
