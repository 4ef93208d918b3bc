"""What an old DeFRCN configuration is for: base training or fine-tuning, of which classes, with how many objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ms_core.old_zoo.values import Old

CLASSES: Mapping[str, int] = {"base": 60, "novel": 20, "all": 80}
"""COCO's classes of each kind, without the background."""
_SET = re.compile(r"coco14_(trainval|test)_(base|novel|all)(?:_(\d+)shot_seed(\d+))?")


@dataclass(frozen=True)
class Stage:
    """What an old configuration is for."""

    mode: Literal["base", "fsod", "gfsod"]
    classes: Literal["base", "novel", "all"]
    shots: int = 0
    """Labelled objects of every class; 0: all, or nothing is said."""
    seed: int = 0
    """Which objects."""

    @property
    def name(self) -> str:
        """The folder of its results, as the old scripts named it, below checkpoints/coco/EXP_NAME."""
        if self.mode == "base":
            return "defrcn_det_r101_base"
        kind, last = ("fsrw-like", "/repeat0") if self.mode == "fsod" else ("tfa-like", "")
        return f"defrcn_{self.mode}_r101_novel/{kind}/{self.shots}shot_seed{self.seed}{last}"


def stage_of(old: Old) -> Stage:
    """The stage by `dataset_train`, else `dataset_test`, else `is_finetune`.

    Raises:
        UserError: a data set that the old code had not, or values that contradict each other.
    """
    given = {key: _named_set(old, key) for key in ("dataset_train", "dataset_test")}
    kinds = {key: found for key, found in given.items() if found is not None}
    classes: set[str] = {found[0] for found in kinds.values()}
    if len(classes) > 1:
        raise old.error(
            "dataset_test", f"not the classes of dataset_train ({' and '.join(sorted(classes))})."
        )
    shots, seed = (kinds.get("dataset_train") or ("", 0, 0))[1:]
    finetunes = old.get("is_finetune", bool(shots) or classes == {"novel"})
    kind: Any = classes.pop() if classes else ("novel" if finetunes else "base")
    if old.get("is_pretrain", not finetunes) is finetunes:
        raise old.error("is_pretrain", f"{finetunes}, and is_finetune too. Correct one of the two.")
    if finetunes is (kind == "base"):
        said = "a fine-tuning" if finetunes else "no fine-tuning"
        raise old.error(
            "is_finetune", f"{said}, but the data is that of {kind} classes. Correct one of the two."
        )
    if finetunes and "dataset_train" in kinds and not shots:
        raise old.error("dataset_train", "a fine-tuning needs shots: coco14_trainval_novel_10shot_seed0.")
    if not finetunes:
        return Stage("base", "base")
    seed = old.get("seed", seed)
    return Stage("fsod" if kind == "novel" else "gfsod", kind, shots, seed)


def _named_set(old: Old, key: str) -> tuple[str, int, int] | None:
    """(kind of classes, shots, seed) of a data set of the old code; None where nothing is said."""
    names = old.get(key)
    if not names:
        return None
    found = _SET.fullmatch(names[0]) if len(names) == 1 else None
    if found is None or (key == "dataset_test") != (found[1] == "test"):
        part = "test" if key == "dataset_test" else "trainval"
        raise old.error(
            key,
            f"{', '.join(names)}: not one of coco14_{part}_base, coco14_{part}_novel... and coco14_{part}_all...; "
            "for other data see the recipes defrcn_base, defrcn_fewshot and defrcn_r101_voc1_base",
        )
    return found[2], int(found[3] or 0), int(found[4] or 0)


def check_verb(old: Old, stage: Stage) -> None:
    """
    Raises:
        UserError: a configuration of fine-tuning for a base training, or the other way round.
    """
    if old.verb == "train" and stage.mode != "base":
        shots = f" --shots {stage.shots} --shots-seed {stage.seed}" if stage.shots else ""
        raise old.error(
            "dataset_train" if old.get("dataset_train") else "is_finetune",
            f"a fine-tuning. Use `ms-defrcn finetune BASE --mode {stage.mode}{shots} --config FILE`.",
        )
    if old.verb == "finetune" and stage.mode == "base" and old.get("dataset_train"):
        raise old.error(
            "dataset_train", "a base training. Use `ms-defrcn train`, or name another configuration."
        )
