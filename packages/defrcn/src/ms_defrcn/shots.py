"""The few labelled objects of every class ("shots"): drawn once by seed, for training and for calibration alike."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ms_core.data.join import with_own_ids
from ms_core.data.sample import DetectionDataset, EncodedReader, Format, Sample
from ms_core.errors import UserError


@dataclass(frozen=True, eq=False)
class ShotSet:
    """The labelled objects of some classes."""

    classes: tuple[str, ...]
    """Names in label order."""
    category_ids: tuple[int, ...]
    """Of each class in the annotations."""
    shots: tuple[tuple[Sample, ...], ...]
    """Of each class, its objects: samples with one box each, whose label is the class's place in `classes`."""
    encoded: EncodedReader
    """Where the pictures come from."""
    source: Path
    """What the objects were drawn or read from."""
    format: Format
    one_sample_an_object: bool = False
    """Training shows a picture once for each of its objects, as with the published lists of VOC; else once."""

    def dataset(self) -> DetectionDataset:
        """What the objects are trained on: their pictures, each with these objects and no others."""
        samples: Iterable[Sample] = (shot for shots in self.shots for shot in shots)
        if not self.one_sample_an_object:
            samples = _joined_by_picture(samples)
        own, encoded = with_own_ids((sample, self.encoded) for sample in samples)
        return DetectionDataset(
            self.classes, self.category_ids, own, self.source, self.format, encoded=encoded
        )


@dataclass(frozen=True, eq=False)
class PictureObjects:
    """The objects of one class in one picture."""

    sample: Sample
    boxes: np.ndarray
    """int [n], which of the picture's boxes: those of the class that are no crowd, at least one."""
    unclear: bool
    """The class has a crowd box or one marked difficult in this picture."""


def draw_shots(
    dataset: DetectionDataset,
    names: Sequence[str],
    shots: int,
    seed: int,
    objects: Mapping[str, Sequence[PictureObjects]] | None = None,
) -> ShotSet:
    """Draw the labelled objects of some classes.

    What is drawn of a class depends on the data set, the class's name, `shots` and `seed`, not on the other classes:
    fine-tuning with and without base classes sees the same objects, and so does calibration.

    Args:
        dataset: with all the labels there are.
        names: the classes, in label order; those of the data set are compared by name.
        shots: objects of every class, >= 1; 0 takes all there are.
        seed: another one draws other objects, >= 0.
        objects: `objects_by_class` of the data set, where it is drawn from more than once.

    Raises:
        UserError: a class with fewer than `shots` objects, or with none, named.
    """
    objects = objects_by_class(dataset) if objects is None else objects
    drawn: list[tuple[Sample, ...]] = []
    for number, name in enumerate(names):
        pictures = objects.get(name, ())
        require_objects(pictures, name, shots, str(dataset.source))
        drawn.append(labelled(draw_objects(pictures, shots, class_generator(seed, name)), number))
    category = dict(zip(dataset.classes, dataset.category_ids, strict=True))
    free = max(dataset.category_ids, default=0) + 1
    ids = tuple(category.get(name, free + number) for number, name in enumerate(names))
    return ShotSet(tuple(names), ids, tuple(drawn), dataset.encoded, dataset.source, dataset.format)


def objects_by_class(dataset: DetectionDataset) -> dict[str, list[PictureObjects]]:
    """The pictures that show each class, in their order."""
    found: dict[str, list[PictureObjects]] = {name: [] for name in dataset.classes}
    for sample in dataset.samples:
        for label in set(sample.labels.tolist()):
            found[dataset.classes[label]] += objects_in(sample, label)
    return found


def objects_in(sample: Sample, label: int) -> list[PictureObjects]:
    """The objects of one class in one picture; none, where it shows none. Crowd boxes are no objects."""
    of_class = sample.labels == label
    boxes = np.flatnonzero(of_class & ~sample.crowd)
    unclear = bool((of_class & (sample.crowd | sample.difficult)).any())
    return [PictureObjects(sample, boxes, unclear)] if len(boxes) else []


def require_objects(pictures: Sequence[PictureObjects], name: str, shots: int, source: str) -> None:
    """Refuse a class that has fewer objects than asked for, or none.

    Raises:
        UserError: names the class, and how many objects there are.
    """
    there = sum(len(picture.boxes) for picture in pictures)
    if there == 0:
        raise UserError(
            f"{source}: class '{name}' has no labelled object. Label some, or leave the class out."
        )
    if there < shots:
        raise UserError(
            f"{source}: class '{name}' has {there} labelled objects, fewer than the {shots} shots asked for. Label "
            "more, or lower --fewshot.shots."
        )


def draw_objects(pictures: Sequence[PictureObjects], shots: int, rng: np.random.Generator) -> list[Sample]:
    """Exactly `shots` objects of a class, each as a sample with its box alone; 0 takes all there are.

    Pictures are drawn one by one, and each gives all its objects of the class where they are not too many: what is
    not drawn counts as background in training. So pictures with more objects, and those where some are difficult or
    a crowd, come last.

    Args:
        pictures: with at least `shots` objects together.
    """
    if shots == 0 or sum(len(picture.boxes) for picture in pictures) == shots:
        return [shot for picture in pictures for shot in _alone(picture.sample, picture.boxes)]
    order = sorted((pictures[i] for i in rng.permutation(len(pictures))), key=lambda picture: picture.unclear)
    drawn: list[Sample] = []
    too_many: list[PictureObjects] = []
    for picture in order:
        if len(picture.boxes) <= shots - len(drawn):
            drawn += _alone(picture.sample, picture.boxes)
        else:
            too_many.append(picture)
    for picture in too_many:
        count = min(len(picture.boxes), shots - len(drawn))
        drawn += _alone(picture.sample, np.sort(rng.permutation(picture.boxes)[:count]))
    return drawn


def class_generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers for one class, whatever the other classes are."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def labelled(shots: Iterable[Sample], label: int) -> tuple[Sample, ...]:
    """The samples with another label on all their boxes."""
    return tuple(replace(shot, labels=np.full(len(shot.labels), label, np.int32)) for shot in shots)


def _alone(sample: Sample, boxes: np.ndarray) -> list[Sample]:
    return [sample.select(np.array([box])) for box in boxes]


def _joined_by_picture(shots: Iterable[Sample]) -> list[Sample]:
    """One sample a picture with all its objects, in the order in which the pictures come first."""
    by_id: dict[int, list[Sample]] = {}
    for shot in shots:
        by_id.setdefault(shot.id, []).append(shot)
    return [_joined(group) for group in by_id.values()]


def _joined(group: Sequence[Sample]) -> Sample:
    return replace(
        group[0],
        boxes=np.concatenate([shot.boxes for shot in group]),
        labels=np.concatenate([shot.labels for shot in group]),
        crowd=np.concatenate([shot.crowd for shot in group]),
        difficult=np.concatenate([shot.difficult for shot in group]),
        areas=np.concatenate([shot.areas for shot in group]),
    )
