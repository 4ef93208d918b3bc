"""The data set of a stage: what its network is trained or measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from ms_core.data.classes import load_classes
from ms_core.data.open import Split, open_dataset
from ms_core.data.record_cache import has_split, open_cached_split
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.errors import UserError

from ms_defrcn.class_lists import published_lists
from ms_defrcn.classes import StageClasses, stage_classes
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.published_shots import COCOSPLIT, published_layout, read_cocosplit, read_vocsplit
from ms_defrcn.shots import ShotSet, draw_shots


def open_stage(config: DeFRCNConfig, split: Split, classes: Sequence[str] | None = None) -> DetectionDataset:
    """The data set of a stage, with the stage's classes in the label order of its network.

    Training data: with `fewshot.shots` or `fewshot.shots_from` the objects of `open_shots`; else all boxes of the
    stage's classes, without crowd boxes and pictures that show none of these classes. Validation and test data: every
    picture, with its boxes of the stage's classes.

    Args:
        config: where the data lies, which classes are base and novel, which stage this is.
        split: which of the data.
        classes: the classes of a trained network in label order, instead of the configuration's, which may depend on
            data.train: a list that is not written out holds what the training data has.

    Raises:
        UserError: no or faulty data, faulty class lists, a class with too few objects, nothing to train on.
    """
    if split == "train" and (config.fewshot.shots or config.fewshot.shots_from):
        return open_shots(config, classes).dataset()
    dataset = open_labelled(config, split)
    if split == "train":
        return _training_set(
            restrict(dataset, classes or stage_classes(config.fewshot, dataset.classes).names)
        )
    return restrict(dataset, classes or _classes_beside(config, dataset).names)


def open_shots(config: DeFRCNConfig, names: Sequence[str] | None = None) -> ShotSet:
    """The labelled objects of fine-tuning, which calibration uses too: published, prepared, or drawn from data.train.

    Args:
        config: `fewshot` says where they come from, how many, and by which seed.
        names: the classes, in label order; those of the stage where it is None.

    Raises:
        UserError: as `open_stage`; no such lists; a class with fewer objects than asked for.
    """
    fewshot = config.fewshot
    if fewshot.shots_from is None:
        if fewshot.shots < 1:
            raise UserError(
                "fewshot.shots is 0: say how many objects of every class are labelled, --fewshot.shots K."
            )
        dataset = open_labelled(config, "train")
        names = names or stage_classes(fewshot, dataset.classes).names
        return draw_shots(dataset, names, fewshot.shots, fewshot.shots_seed)
    folder = Path(fewshot.shots_from)
    layout = published_layout(folder)
    names = names or classes_of(config).names
    if layout is None:
        return draw_shots(_prepared(folder, config), names, fewshot.shots, fewshot.shots_seed)
    if layout is COCOSPLIT:
        return read_cocosplit(folder, names, fewshot.shots, fewshot.shots_seed, config.data.images)
    dataset = open_labelled(config, "train")
    return read_vocsplit(folder, names, fewshot.shots, fewshot.shots_seed, dataset)


def open_labelled(config: DeFRCNConfig, split: Split) -> DetectionDataset:
    """A split with all classes that it has, base, novel and other ones, in the order of the data set.

    Raises:
        UserError: as `ms_core.data.record_cache.open_cached_split`.
    """
    return open_cached_split(config.data, split, _published_names(config))


def classes_of(config: DeFRCNConfig) -> StageClasses:
    """The classes of the stage; opens data.train only where neither lists nor data.classes say which there are.

    Raises:
        UserError: as `stage_classes`, or as opening data.train.
    """
    return stage_classes(config.fewshot, () if lists_are_named(config) else _data_names(config))


def classes_after_surgery(config: DeFRCNConfig, method: Literal["remove", "randinit"]) -> StageClasses:
    """The classes of the network that surgery makes of the base training of `config`: the novel ones, or all.

    Raises:
        UserError: as `classes_of`.
    """
    stage: Literal["novel", "all"] = "novel" if method == "remove" else "all"
    return classes_of(replace(config, fewshot=replace(config.fewshot, classes=stage)))


def with_class_lists(config: DeFRCNConfig) -> DeFRCNConfig:
    """The configuration with both class lists written out, as a run folder keeps it: later data need not show all
    classes.

    Raises:
        UserError: as `classes_of`.
    """
    if config.fewshot.split != "none":
        return config
    classes = classes_of(config)
    fewshot = replace(config.fewshot, base_classes=classes.base, novel_classes=classes.novel)
    return replace(config, fewshot=fewshot)


def lists_are_named(config: DeFRCNConfig) -> bool:
    """Whether base and novel classes are known without looking at data."""
    fewshot = config.fewshot
    return fewshot.split != "none" or None not in (fewshot.base_classes, fewshot.novel_classes)


def restrict(dataset: DetectionDataset, names: Sequence[str]) -> DetectionDataset:
    """The data set with some of its classes only; every picture stays, also one without a box.

    Args:
        names: in the new label order; one that the data set lacks has no boxes.
    """
    if tuple(names) == dataset.classes:
        return dataset
    new_label = np.array([names.index(name) if name in names else -1 for name in dataset.classes], np.int32)
    category = dict(zip(dataset.classes, dataset.category_ids, strict=True))
    free = max(dataset.category_ids, default=0) + 1
    return replace(
        dataset,
        classes=tuple(names),
        category_ids=tuple(category.get(name, free + number) for number, name in enumerate(names)),
        samples=tuple(_relabelled(sample, new_label) for sample in dataset.samples),
    )


def _classes_beside(config: DeFRCNConfig, dataset: DetectionDataset) -> StageClasses:
    """The classes for a split that is not trained on, which need not show all of them."""
    if lists_are_named(config) or has_split(config.data, "train"):
        return classes_of(config)
    return stage_classes(config.fewshot, dataset.classes)


def _relabelled(sample: Sample, new_label: np.ndarray) -> Sample:
    """The boxes whose class has a new label, with that; -1 is none."""
    labels = new_label[sample.labels] if len(sample.labels) else sample.labels
    keep = labels >= 0
    kept = sample if keep.all() else sample.select(keep)
    return replace(kept, labels=labels[keep])


def _training_set(dataset: DetectionDataset) -> DetectionDataset:
    """Without crowd boxes and pictures that have nothing to train on, as the original leaves them out.

    Raises:
        UserError: nothing is left.
    """
    samples = [sample.select(~sample.crowd) if sample.crowd.any() else sample for sample in dataset.samples]
    kept = tuple(sample for sample in samples if len(sample.labels))
    if not kept:
        shown = ", ".join(dataset.classes[:4]) + (", ..." if len(dataset.classes) > 4 else "")
        raise UserError(
            f"{dataset.source}: no image has a box of the classes of this stage ({shown}). See `data check`."
        )
    left_out = len(samples) - len(kept)
    note = (
        f"{dataset.source}: {left_out} of {len(samples)} images show no class of this stage and are left out"
    )
    return replace(dataset, samples=kept, notes=(*dataset.notes, *([note] if left_out else [])))


def _prepared(path: Path, config: DeFRCNConfig) -> DetectionDataset:
    """Annotations of a few pictures, of any format: every picture must have a label, which is what it is there for.

    Raises:
        UserError: as `open_dataset`; a picture without a box, named.
    """
    data = config.data
    dataset = open_dataset(
        path,
        images=data.images,
        classes=_published_names(config) or data.classes,
        invalid_boxes=data.invalid_boxes,
        unknown_classes=data.unknown_classes,
    )
    for sample in dataset.samples:
        if not len(sample.labels):
            raise UserError(
                f"{path}: image {sample.id} ({sample.path.name}) has no box, so it shows nothing. Label its objects, "
                "or take it out."
            )
    return dataset


def _published_names(config: DeFRCNConfig) -> tuple[str, ...] | None:
    """All classes of a published data set; None leaves them to data.classes or to the annotations."""
    split = config.fewshot.split
    return None if split == "none" else published_lists(split).data_set


def _data_names(config: DeFRCNConfig) -> tuple[str, ...]:
    if config.data.classes is not None:
        return load_classes(config.data.classes).names
    return open_labelled(config, "train").classes
