"""Small data sets, a cache of them, and builds without a process of their own, for the tests of the cache."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from ms_core.data.record_table import Records
from ms_core.data.record_writer import ShardJob, write_shard
from ms_core.data.sample import DetectionDataset

WIDTH, HEIGHT = 64, 48
BOXES = {
    "0.jpg": [(3, [10.25, 5.5, 20.125, 30.0], {"area": 99.5})],
    "1.jpg": [],
    "2.png": [(7, [1, 2, 3, 4], {"iscrowd": 1}), (3, [0, 0, 64, 48], {})],
    "3.jpg": [(7, [5.4, 6.6, 7, 8], {"difficult": 1})],
    "4.jpg": [(3, [30, 20, 10, 10], {})],
}
"""COCO annotations of each picture: category, bbox, extras. With them come an empty image, fractions, flags, areas."""


def write_pictures(folder: Path, names: Sequence[str] = tuple(BOXES)) -> None:
    """Pictures of random colours."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        colours = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(colours).save(folder / name)


def write_coco(root: Path, name: str = "train.json", first_id: int = 10) -> Path:
    """root/NAME and root/images."""
    write_pictures(root / "images")
    images, annotations = [], []
    for number, (file, boxes) in enumerate(BOXES.items()):
        images.append({"id": first_id + number, "file_name": file, "width": WIDTH, "height": HEIGHT})
        for category, bbox, extra in boxes:
            entry = {"id": len(annotations) + 1, "image_id": first_id + number, "category_id": category}
            annotations.append({**entry, "bbox": bbox, "iscrowd": 0, **extra})
    categories = [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}]
    path = root / name
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def assert_same_dataset(one: DetectionDataset, other: DetectionDataset) -> None:
    """Equal in all but their notes: also the types of arrays, and every byte of the pictures."""
    for name in ("classes", "category_ids", "source", "format", "dropped", "clipped"):
        assert getattr(one, name) == getattr(other, name), name
    for a, b in zip(one.samples, other.samples, strict=True):
        assert (a.id, a.path, a.width, a.height) == (b.id, b.path, b.width, b.height)
        assert type(a.id) is type(b.id)
        for name in ("boxes", "labels", "crowd", "difficult", "areas"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), strict=True)
        np.testing.assert_array_equal(one.encoded(a), other.encoded(b), strict=True)


def write_here(jobs: Sequence[ShardJob], folder: Path, size: int, written: Callable[[int], None]) -> Records:
    """`record_processes.write_shards` in this process: MindSpore is imported once for all tests, not for each."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        parts = [write_shard(job, written) for job in jobs]
    finally:
        os.chdir(before)
    return Records(
        **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Records)}
    )
