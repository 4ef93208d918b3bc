"""The published few-shot lists: the folders `cocosplit` and `vocsplit`, one file for each seed, number and class.

cocosplit/seed3/full_box_10shot_hot dog_trainval.json   COCO annotations of the class's objects
vocsplit/seed3/box_10shot_bird_train.txt                paths of pictures, VOC2012/JPEGImages/2008_006761.jpg

Older packs of seed 0 have the files in the folder itself. A picture of VOC may hold more than the number of objects;
the original then draws some in every run anew, here they are drawn once by the seed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath

from ms_core.data.image_paths import posix_name
from ms_core.data.open import open_dataset
from ms_core.data.sample import DetectionDataset, Sample, read_file
from ms_core.data.text import read_text
from ms_core.errors import UserError

from ms_defrcn.shots import (
    PictureObjects,
    ShotSet,
    class_generator,
    draw_objects,
    labelled,
    objects_by_class,
    objects_in,
    require_objects,
)

_SEED = re.compile(r"seed(\d+)")


@dataclass(frozen=True)
class Layout:
    """How a kind of published lists is called."""

    folder: str
    """Usual name of the folder."""
    file: str
    """File name, with {shots} and {name}."""
    pattern: re.Pattern[str]
    """The same, with the number of shots as its group."""

    def holds(self, folder: Path) -> bool:
        """Whether `folder` is one of these, by its name or its files."""
        return folder.name == self.folder or any(
            _has_lists(place, self) for place in (folder, *_seeds(folder).values())
        )


COCOSPLIT = Layout(
    "cocosplit",
    "full_box_{shots}shot_{name}_trainval.json",
    re.compile(r"full_box_(\d+)shot_.+_trainval\.json"),
)
VOCSPLIT = Layout("vocsplit", "box_{shots}shot_{name}_train.txt", re.compile(r"box_(\d+)shot_.+_train\.txt"))


def published_layout(path: Path) -> Layout | None:
    """Which kind of published lists a folder holds; None where it is something else.

    Raises:
        UserError: there is nothing at `path`.
    """
    if not path.exists():
        raise UserError(
            f"{path}: no such file or folder; looked for the few-shot lists at {path.absolute()}. Give another "
            "--fewshot.shots-from."
        )
    return next((layout for layout in (COCOSPLIT, VOCSPLIT) if path.is_dir() and layout.holds(path)), None)


def read_cocosplit(
    folder: Path, names: Sequence[str], shots: int, seed: int, images: Path | str | None
) -> ShotSet:
    """The published objects of COCO classes; pictures with objects of several classes are one sample.

    Args:
        folder: `cocosplit`.
        names: classes, in label order.
        shots: objects of every class, >= 1.
        seed: which lists.
        images: folder with the pictures; None looks beside the lists.

    Raises:
        UserError: no lists of this seed, number or class; a file with fewer objects, or without the picture files.
    """
    _require_number(shots)
    drawn: list[tuple[Sample, ...]] = []
    category_ids: list[int] = []
    for label, name in enumerate(names):
        file = list_file(folder, COCOSPLIT, name, shots, seed)
        dataset = open_dataset(file, images=images, format="coco")
        pictures = objects_by_class(dataset).get(name, [])
        require_objects(pictures, name, shots, str(file))
        drawn.append(labelled(draw_objects(pictures, shots, class_generator(seed, name)), label))
        category_ids.append(dataset.category_ids[dataset.classes.index(name)])
    return ShotSet(tuple(names), tuple(category_ids), tuple(drawn), read_file, folder, "coco")


def read_vocsplit(
    folder: Path, names: Sequence[str], shots: int, seed: int, dataset: DetectionDataset
) -> ShotSet:
    """The published objects of VOC classes, as many samples as objects; their boxes come from the data set.

    Args:
        folder: `vocsplit`.
        names: classes, in label order.
        shots: objects of every class, >= 1.
        seed: which lists.
        dataset: the pictures that the lists name, of 2007 and of 2012, with all their boxes.

    Raises:
        UserError: no lists of this seed, number or class; a picture that the data set lacks, or that does not show
            the class; fewer objects.
    """
    _require_number(shots)
    by_name: dict[str, list[Sample]] = {}
    for sample in dataset.samples:
        by_name.setdefault(sample.path.name, []).append(sample)
    drawn: list[tuple[Sample, ...]] = []
    for label, name in enumerate(names):
        file = list_file(folder, VOCSPLIT, name, shots, seed)
        pictures = _listed_pictures(file, by_name, name, dataset)
        require_objects(pictures, name, shots, str(file))
        drawn.append(labelled(draw_objects(pictures, shots, class_generator(seed, name)), label))
    ids = tuple(dataset.category_ids[dataset.classes.index(name)] for name in names)
    return ShotSet(
        tuple(names), ids, tuple(drawn), dataset.encoded, folder, dataset.format, one_sample_an_object=True
    )


def list_file(folder: Path, layout: Layout, name: str, shots: int, seed: int) -> Path:
    """The list of one class.

    Raises:
        UserError: there is none of this seed, of this number of shots, or of this class.
    """
    place = _seed_folder(folder, layout, seed)
    file = place / layout.file.format(shots=shots, name=name)
    if file.is_file():
        return file
    numbers = sorted(
        {int(found[1]) for path in place.iterdir() if (found := layout.pattern.fullmatch(path.name))}
    )
    if shots not in numbers:
        there = ", ".join(map(str, numbers)) or "none"
        raise UserError(
            f"{place}: no lists of {shots} shots; there are: {there}. Give one of these as --fewshot.shots."
        )
    raise UserError(
        f"{file}: no such list: class '{name}' has none beside those of the other classes. Restore the file."
    )


def _require_number(shots: int) -> None:
    if shots < 1:
        raise UserError(
            "fewshot.shots is 0: the published lists hold 1 to 30 objects. Pass --fewshot.shots K."
        )


def _seed_folder(folder: Path, layout: Layout, seed: int) -> Path:
    seeds = _seeds(folder)
    if seed in seeds:
        return seeds[seed]
    if seed == 0 and _has_lists(folder, layout):
        return folder
    there = sorted(seeds) or ([0] if _has_lists(folder, layout) else [])
    known = ", ".join(map(str, there)) or "none"
    raise UserError(
        f"{folder / f'seed{seed}'}: no lists of seed {seed}; there are seeds: {known}. Give one of these as "
        "--fewshot.shots-seed, or leave --fewshot.shots-from out to draw from data.train."
    )


def _seeds(folder: Path) -> dict[int, Path]:
    return {
        int(found[1]): path
        for path in folder.iterdir()
        if path.is_dir() and (found := _SEED.fullmatch(path.name))
    }


def _has_lists(folder: Path, layout: Layout) -> bool:
    return any(layout.pattern.fullmatch(path.name) for path in folder.iterdir())


def _listed_pictures(
    file: Path, by_name: dict[str, list[Sample]], name: str, dataset: DetectionDataset
) -> list[PictureObjects]:
    """The objects of a class in the pictures of its list; a picture listed twice counts twice, as in the original."""
    label = dataset.classes.index(name) if name in dataset.classes else -1
    pictures: list[PictureObjects] = []
    for number, line in enumerate(read_text(file, "paths of pictures").splitlines(), start=1):
        if not line.strip():
            continue
        path = PurePosixPath(posix_name(line.strip()))
        same_name = by_name.get(path.name)
        if same_name is None:
            raise UserError(
                f"{file}: line {number}: {path.name} is not among the {len(dataset)} pictures of {dataset.source}. The "
                "lists are of VOC 2007 and 2012: --data.train VOC2007/ImageSets/Main/trainval.txt,"
                "VOC2012/ImageSets/Main/trainval.txt."
            )
        sample = max(same_name, key=lambda sample: _common_end(sample.path, path))
        objects = objects_in(sample, label)
        if not objects:
            raise UserError(
                f"{file}: line {number}: {path.name} has no box of class '{name}' in {dataset.source}. Take the line "
                "out, or use the annotations that the list was made for."
            )
        pictures += objects
    return pictures


def _common_end(path: Path, listed: PurePosixPath) -> int:
    """How many last parts two paths share: 2007 and 2012 may have files of one name."""
    pairs = zip(reversed(path.parts), reversed(listed.parts), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
