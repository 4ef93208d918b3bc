"""A dataset in numbers: images, boxes of each class, how large they are. Kept in data.json of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ms_core.atomic import atomic_write
from ms_core.data.sample import DetectionDataset

SIDE_EDGES = np.geomspace(0.005, 1.0, 25)
"""Edges of the histogram of box sides, relative to the image; smaller boxes count in the first range."""
_SMALL, _LARGE = 32**2, 96**2  # pixels^2, COCO's size ranges


def split_lines(splits: Mapping[str, DetectionDataset | None]) -> list[str]:
    """The first lines of a training log: how many images and boxes each split has, and what was noted about it.

    Args:
        splits: name ("train", "val") -> data set; None: there is no such data.
    """
    lines = []
    for name, dataset in splits.items():
        if dataset is not None:
            lines.append(f"{name}: {len(dataset)} images, {dataset.box_count} boxes, {dataset.source}")
            lines.extend(f"  note: {note}" for note in dataset.notes)
    return lines


def summarise_dataset(dataset: DetectionDataset) -> dict[str, Any]:
    """What a report says of one split: JSON values only.

    A box's side is the square root of its share of the image's area, 0-1; times the input size of a network it is
    the side in pixels that the network sees.
    """
    samples = dataset.samples
    labels = np.concatenate([np.zeros(0, np.int64), *(s.labels for s in samples)])
    areas = np.concatenate([np.zeros(0), *(s.areas for s in samples)])
    sides = np.concatenate([np.zeros(0), *(_sides(s.boxes, s.width, s.height) for s in samples)])
    present = np.concatenate([np.zeros(0, np.int64), *(np.unique(s.labels) for s in samples)])
    count = len(dataset.classes)
    objects = np.array([len(s.labels) for s in samples])
    return {
        "source": str(dataset.source),
        "format": dataset.format,
        "images": len(samples),
        "empty": int((objects == 0).sum()),
        "boxes": len(labels),
        "crowd": int(sum(s.crowd.sum() for s in samples)),
        "difficult": int(sum(s.difficult.sum() for s in samples)),
        "most_in_one_image": int(objects.max(initial=0)),
        "class_boxes": np.bincount(labels, minlength=count).tolist(),
        "class_images": np.bincount(present, minlength=count).tolist(),
        "small": int((areas < _SMALL).sum()),
        "medium": int(((areas >= _SMALL) & (areas < _LARGE)).sum()),
        "large": int((areas >= _LARGE).sum()),
        "side_quantiles": np.quantile(sides, (0.05, 0.5, 0.95)).round(5).tolist() if len(sides) else [],
        "side_histogram": np.histogram(np.clip(sides, SIDE_EDGES[0], 1), SIDE_EDGES)[0].tolist(),
        "notes": list(dataset.notes),
    }


def write_data_summary(
    path: Path, splits: Mapping[str, DetectionDataset | None], input_size: tuple[int, int]
) -> None:
    """Write data.json: classes, the network's (height, width) in pixels, and every split that is there.

    Raises:
        UserError: the system refuses to write.
    """
    present = {name: dataset for name, dataset in splits.items() if dataset is not None}
    classes = next((dataset.classes for dataset in present.values()), ())
    content = {
        "classes": list(classes),
        "input_size": list(input_size),
        "splits": {name: summarise_dataset(dataset) for name, dataset in present.items()},
    }
    with atomic_write(path) as file:
        json.dump(content, file, indent=1, ensure_ascii=False)


def _sides(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """float64 [n], relative to the image, 0-1."""
    sizes = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    return np.sqrt(sizes.prod(axis=1) / max(width * height, 1))
