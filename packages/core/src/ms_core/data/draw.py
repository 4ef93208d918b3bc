"""Annotated pictures of a dataset, to look at before training on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ms_core.data.images import read_image
from ms_core.data.naming import safe_file_name, unique_stems
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.draw import draw_detections, save_image
from ms_core.errors import UserError


def choose_samples(dataset: DetectionDataset, count: int, seed: int | None) -> list[Sample]:
    """The first `count` samples, or with a seed as many at random; all of them for count 0."""
    samples = list(dataset.samples)
    count = min(count, len(samples)) or len(samples)
    if seed is None:
        return samples[:count]
    chosen = np.random.default_rng(seed).permutation(len(samples))[:count]
    return [samples[i] for i in sorted(chosen.tolist())]


def drawing_paths(dataset: DetectionDataset, samples: list[Sample], folder: Path) -> list[Path]:
    """One JPEG path a sample in `folder`, never two alike, and never a picture of the dataset.

    Raises:
        UserError: a drawing would replace such a picture, by whatever name its path goes.
    """
    paths = [folder / f"{safe_file_name(stem)}.jpg" for stem in unique_stems([s.path for s in samples])]
    refuse_photos(paths, (s.path for s in dataset.samples), f"a picture of the dataset ({dataset.source})")
    return paths


def refuse_photos(targets: Sequence[Path], photos: Iterable[Path], what: str) -> None:
    """Refuse to draw over a photo, by whatever name its path goes.

    Args:
        targets: files to be written.
        photos: pictures that must stay.
        what: what a photo is, for the message.

    Raises:
        UserError: a target is one of the photos.
    """
    there = {_identity(path): path for path in targets if path.exists()}
    if not there:
        return
    for photo in photos:
        if photo.exists() and _identity(photo) in there:
            raise UserError(f"{there[_identity(photo)]}: is {what}, never drawn over. Give another --out.")


def _identity(path: Path) -> tuple[int, int]:
    """What two paths of one file have in common, whatever links, case or `..` lie on the way (`os.path.samefile`)."""
    status = path.stat()
    return status.st_dev, status.st_ino


def draw_samples(dataset: DetectionDataset, samples: list[Sample], paths: list[Path]) -> Iterator[Path]:
    """Write each sample with its boxes and class names, yielding each path when it is written.

    Raises:
        UserError: an image cannot be read, or the disk refuses.
    """
    for sample, path in zip(samples, paths, strict=True):
        image = read_image(sample.path, (sample.width, sample.height))
        save_image(path, draw_detections(image, sample.boxes, sample.labels, None, dataset.classes))
        yield path
