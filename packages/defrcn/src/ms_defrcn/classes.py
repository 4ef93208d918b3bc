"""Which classes are base, which novel, and in which order the network of a stage counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ms_core.data.classes import known_classes, load_classes
from ms_core.errors import UserError

from ms_defrcn.class_lists import published_lists
from ms_defrcn.config import FewShotConfig


@dataclass(frozen=True)
class StageClasses:
    """The classes of one stage, and what they are."""

    base: tuple[str, ...]
    novel: tuple[str, ...]
    names: tuple[str, ...]
    """Classes of the stage's network in label order, without background."""
    all: tuple[str, ...]
    """Base and novel classes in the label order of a network for both."""


def stage_classes(fewshot: FewShotConfig, names: Sequence[str] = ()) -> StageClasses:
    """The classes of the stage that `fewshot` describes.

    Base and novel classes together: COCO by category id, base and novel mixed; VOC and own data base, then novel.
    A list that is not given holds every class of the data set that is not in the other; with neither, all are base.

    Args:
        fewshot: the published split or the lists, and the stage.
        names: classes of the data set; not needed with a published split, nor where both lists are given.

    Raises:
        UserError: a class in both lists, or one that the data set lacks; a stage without classes; lists beside a
            published split.
    """
    if fewshot.split == "none":
        base, novel = _own_lists(fewshot, names)
        everything = base + novel
    else:
        _refuse_lists(fewshot)
        lists = published_lists(fewshot.split)
        base, novel, everything = lists.base, lists.novel, lists.all
    chosen = {"base": base, "novel": novel, "all": everything}[fewshot.classes]
    if not chosen:
        raise UserError(
            f"fewshot: there are no {fewshot.classes} classes. Name them: --fewshot.base-classes and "
            "--fewshot.novel-classes [a, b] or FILE, or --fewshot.split coco|voc1|voc2|voc3."
        )
    if fewshot.classes != "base" and not novel:
        raise UserError("fewshot: no class is novel. Name them: --fewshot.novel-classes [a, b] or FILE.")
    return StageClasses(base, novel, chosen, everything)


def _refuse_lists(fewshot: FewShotConfig) -> None:
    for field in ("base_classes", "novel_classes"):
        if getattr(fewshot, field) is not None:
            option = field.replace("_", "-")
            raise UserError(
                f"--fewshot.{option}: the classes are those of the published split {fewshot.split}. "
                "Leave the option out, or say --fewshot.split none."
            )


def _own_lists(fewshot: FewShotConfig, names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    base = _listed(fewshot.base_classes, names)
    novel = _listed(fewshot.novel_classes, names)
    both = [name for name in base or () if name in (novel or ())]
    if both:
        raise UserError(
            f"fewshot: class '{both[0]}' is in base_classes and in novel_classes. Take it out of one of them."
        )
    if base is None:
        base = tuple(name for name in names if name not in (novel or ()))
        return base, novel or ()
    return base, tuple(name for name in names if name not in base) if novel is None else novel


def _listed(classes: str | tuple[str, ...] | None, names: Sequence[str]) -> tuple[str, ...] | None:
    """The names of one list; they are compared with those of the data set where these are known."""
    if classes is None or classes == ():
        return classes
    listed = load_classes(classes).names
    for name in listed:
        if names and name not in names:
            where = classes if isinstance(classes, str) else "fewshot"
            raise UserError(
                f"{where}: no class of the data set is named '{name}' ({known_classes(name, names)}). Correct the list."
            )
    return listed
