"""A segmentation set in numbers, counted by hand."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.segmentation.palette import default_palette
from ms_core.segmentation.sample import SegmentationDataset, SegmentationSample
from ms_core.segmentation.summary import (
    absent_classes,
    data_summary,
    summarise_dataset,
    write_data_summary,
)

CLASSES = ("road", "sky", "猫")


def made(folder: Path, masks: list[np.ndarray | None]) -> SegmentationDataset:
    samples = []
    for number, mask in enumerate(masks):
        height, width = (40, 40) if mask is None else mask.shape
        image = folder / f"{number}.png"
        cv2.imwrite(str(image), np.zeros((height, width, 3), np.uint8))
        path = None if mask is None else folder / f"{number}-mask.png"
        if path is not None:
            cv2.imwrite(str(path), mask)
        samples.append(SegmentationSample(image, path, str(number)))
    return SegmentationDataset(tuple(samples), CLASSES, default_palette(3), folder, notes=("a note",))


def test_pixels_images_and_sizes(tmp_path: Path) -> None:
    one = np.zeros((40, 50), np.uint8)
    one[:10] = 255
    one[10:12] = 2
    summary = summarise_dataset(made(tmp_path, [one, np.ones((40, 40), np.uint8), one, None]))
    assert summary["images"] == 4
    assert summary["counted"] == 3
    assert summary["sizes"] == [[50, 40, 2], [40, 40, 1]]
    assert summary["pixels"] == 2 * 2000 + 1600
    assert summary["ignored_pixels"] == 2 * 500
    assert summary["class_pixels"] == [2 * 1400, 1600, 2 * 100]
    assert summary["class_images"] == [2, 1, 2]
    assert summary["notes"] == ["a note"]


def test_of_many_masks_a_sample_from_the_first_to_the_last_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = made(tmp_path, [np.zeros((32, 32), np.uint8)] * 9)
    read: list[int] = []
    whole = SegmentationDataset.read_label

    def noted(self: SegmentationDataset, index: int) -> np.ndarray:
        read.append(index)
        return whole(self, index)

    monkeypatch.setattr(SegmentationDataset, "read_label", noted)
    summary = summarise_dataset(dataset, most=3)
    assert sorted(read) == [0, 4, 8]
    assert (summary["images"], summary["counted"], summary["pixels"]) == (9, 3, 3 * 32 * 32)


def test_the_file_holds_colours_and_the_splits_that_are_there(tmp_path: Path) -> None:
    dataset = made(tmp_path, [None])
    write_data_summary(tmp_path / "data.json", data_summary({"train": dataset, "val": None}, (512, 1024)))
    written = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))
    assert list(written["splits"]) == ["train"]
    assert written["splits"]["train"]["counted"] == 0
    assert written["classes"] == list(CLASSES)
    assert written["palette"] == default_palette(3).tolist()
    assert written["input_size"] == [512, 1024]


def test_classes_without_a_pixel_are_a_warning(tmp_path: Path) -> None:
    """Masks of 0 and 255 are the usual cause: 255 counts nowhere."""
    mask = np.zeros((40, 50), np.uint8)
    mask[:10] = 255
    (line,) = absent_classes(data_summary({"train": made(tmp_path, [mask])}))
    assert line.startswith(
        "warning: train: no pixel of 2 of 3 classes (sky, 猫) in 1 masks, and 25.0 % of their pixels"
    )
    mask[:2], mask[2:4] = 1, 2
    assert absent_classes(data_summary({"train": made(tmp_path, [mask])})) == []
