"""Pictures of a dataset with their masks over them, to look at before training on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from ms_core.data.naming import safe_file_name
from ms_core.draw import save_image
from ms_core.segmentation.draw import legend, overlay
from ms_core.segmentation.sample import SegmentationDataset

_LEAST_WIDTH = 640
"""Pixels: smaller pictures are enlarged, so that the names below them can be read."""


def choose_indices(total: int, count: int, seed: int | None) -> list[int]:
    """The first `count` of `total`, or with a seed as many at random; all of them for count 0."""
    count = min(count, total) or total
    order = range(total) if seed is None else np.random.default_rng(seed).permutation(total).tolist()
    return sorted(order[:count])


def drawing_paths(dataset: SegmentationDataset, indices: Sequence[int], folder: Path) -> list[Path]:
    """One JPEG path a sample in `folder`, never two alike."""
    return [folder / f"{safe_file_name(dataset.samples[index].name)}.jpg" for index in indices]


def draw_samples(
    dataset: SegmentationDataset, indices: Sequence[int], paths: Sequence[Path], *, alpha: float = 0.5
) -> Iterator[Path]:
    """Write each picture with its mask and the names of the classes in it, yielding each path when it is written.

    Raises:
        UserError: a picture or mask cannot be read, or the disk refuses.
    """
    for index, path in zip(indices, paths, strict=True):
        save_image(path, draw_sample(dataset, index, alpha))
        yield path


def draw_sample(dataset: SegmentationDataset, index: int, alpha: float = 0.5) -> np.ndarray:
    """One picture with its mask, and below it the classes that are in it; uint8 [H, W, 3] RGB."""
    image, labels = dataset.read_image(index), dataset.read_label(index)
    drawn = overlay(image, labels, dataset.palette, alpha)
    factor = -(-_LEAST_WIDTH // drawn.shape[1])
    if factor > 1:
        drawn = cv2.resize(drawn, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    present = [label for label in np.unique(labels).tolist() if label < len(dataset.classes)]
    names = [dataset.classes[label] for label in present]
    return np.concatenate((drawn, legend(names, dataset.palette[present], drawn.shape[1])))
