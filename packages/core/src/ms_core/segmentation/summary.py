"""A segmentation set in numbers: pictures, their sizes, pixels of each class. Kept in data.json of a run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from ms_core.atomic import atomic_write
from ms_core.read_ahead import read_ahead
from ms_core.run_folder import console
from ms_core.segmentation.sample import SegmentationDataset

MOST_MASKS = 200
"""Masks of a split that are read; of more, these many, evenly spread: shares of pixels change little beyond."""
_SHOWN = 6
"""Classes that a warning names."""


def summarise_dataset(
    dataset: SegmentationDataset, *, title: str = "counting pixels", most: int = MOST_MASKS, workers: int = 2
) -> dict[str, Any]:
    """What a report says of one split: JSON values only. Reads masks, no picture.

    Args:
        title: before the progress bar.
        most: masks to read.
        workers: threads that read, at least 1.

    Raises:
        UserError: a mask is damaged or holds a value that is no class.
    """
    masked = [index for index, sample in enumerate(dataset.samples) if sample.mask is not None]
    places = np.linspace(0, len(masked) - 1, min(most, len(masked))).round().astype(int)
    chosen = [masked[place] for place in places]
    count = len(dataset.classes)
    pixels, images = np.zeros(256, np.int64), np.zeros(256, np.int64)
    sizes: Counter[tuple[int, int]] = Counter()

    def read(index: int) -> tuple[tuple[int, int], np.ndarray]:
        label = dataset.read_label(index)
        return (label.shape[1], label.shape[0]), np.bincount(label.reshape(-1), minlength=256)

    found = read_ahead(chosen, read, workers=workers)
    shown = console()
    for size, counts in track(
        found, title, total=len(chosen), console=shown, transient=True, disable=not shown.is_terminal
    ):
        sizes[size] += 1
        pixels += counts
        images += counts > 0
    return {
        "source": str(dataset.source),
        "format": dataset.format,
        "images": len(dataset.samples),
        "counted": len(chosen),
        "sizes": [[*size, number] for size, number in sizes.most_common()],
        "pixels": int(pixels.sum()),
        "ignored_pixels": int(pixels[count:].sum()),
        "class_pixels": pixels[:count].tolist(),
        "class_images": images[:count].tolist(),
        "notes": list(dataset.notes),
    }


def data_summary(
    splits: Mapping[str, SegmentationDataset | None],
    input_size: tuple[int, int] | None = None,
    *,
    workers: int = 2,
) -> dict[str, Any]:
    """What data.json holds: classes and their colours, and every split that is there; with a progress bar.

    Args:
        splits: "train", "val" ...; None where there is none.
        input_size: (height, width) of a training input, pixels.
        workers: threads that read masks.

    Raises:
        UserError: a mask cannot be read.
    """
    present = {name: dataset for name, dataset in splits.items() if dataset is not None}
    first = next(iter(present.values()), None)
    return {
        "classes": [] if first is None else list(first.classes),
        "palette": [] if first is None else first.palette.tolist(),
        "input_size": None if input_size is None else list(input_size),
        "splits": {
            name: summarise_dataset(dataset, title=f"{name}: counting pixels", workers=workers)
            for name, dataset in present.items()
        },
    }


def absent_classes(summary: Mapping[str, Any], split: str = "train") -> list[str]:
    """A warning where the masks that were counted have no pixel of a class, else nothing.

    Args:
        summary: from `data_summary`.
    """
    counts = summary["splits"][split]
    pairs = zip(summary["classes"], counts["class_pixels"], strict=True)
    absent = [name for name, pixels in pairs if not pixels]
    if not absent:
        return []
    shown = f"{', '.join(absent[:_SHOWN])}{', ...' if len(absent) > _SHOWN else ''}"
    ignored = counts["ignored_pixels"] / max(counts["pixels"], 1)
    return [
        f"warning: {split}: no pixel of {len(absent)} of {len(summary['classes'])} classes ({shown}) in "
        f"{counts['counted']} masks, and {100 * ignored:.1f} % of their pixels count nowhere. `data check` looks at "
        "every mask."
    ]


def write_data_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write data.json of a run folder.

    Raises:
        UserError: the system refuses to write.
    """
    with atomic_write(path) as file:
        json.dump(summary, file, ensure_ascii=False)
