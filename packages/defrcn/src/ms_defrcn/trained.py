"""A trained network, from a run folder or a checkpoint, with the classes it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ms_core.checkpoint import WeightFile, read_weights
from ms_core.data.classes import load_classes
from ms_core.data.record_cache import has_split
from ms_core.errors import UserError
from ms_core.run_target import checkpoint_of

from ms_defrcn.class_lists import published_lists
from ms_defrcn.config import DeFRCNConfig, FewShotConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.models import build_model
from ms_defrcn.stage_data import classes_of, lists_are_named
from ms_defrcn.weights import anchor_options_of, in_our_names, load_complete, model_of, num_classes_of
from ms_defrcn.weights import classes_of as classes_named_in


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A network ready for inference."""

    network: DeFRCN
    name: str
    """Network, one of the package's models."""
    classes: tuple[str, ...]
    """Names of the classes in label order, without the background."""
    base: tuple[str, ...]
    """Those of them that are base classes."""
    novel: tuple[str, ...]
    """The others, of which only a few objects were labelled."""
    category_ids: tuple[int, ...]
    """Of each class in the annotations of the training; 1 to K where the file does not say."""
    checkpoint: Path


def load_trained(target: Path, config: DeFRCNConfig) -> TrainedModel:
    """Build the network a checkpoint was made for and load it completely.

    Network, anchors and number of classes are read off the file. A checkpoint of ours names its classes; for another
    one the configuration's stage does.

    Raises:
        UserError: no such file, classes unknown or of another number, or the file does not fill the network.
    """
    weights = in_our_names(read_weights(checkpoint_of(target)))
    name = model_of(weights) or config.model.name
    if not name:
        raise UserError(f"{weights.path}: this file does not name its network. Pass --model.name.")
    count = num_classes_of(weights)
    if count is None:
        raise UserError(
            f"{weights.path}: holds a trunk alone, so there is nothing to detect with. Train it first."
        )
    classes = classes_named_in(weights) or _configured_classes(weights, count, config)
    anchors: dict[str, Any] = dict(anchor_options_of(weights))
    network = build_model(name, count, proposals=config.proposals, **anchors)
    load_complete(network, weights)
    network.set_train(False)
    fewshot = _with_stated(config.fewshot, weights)
    novel = novel_classes(classes, fewshot, weights.metadata.get("stage"))
    base = tuple(name for name in classes if name not in novel)
    ids = tuple(weights.metadata.get("category_ids") or range(1, count + 1))
    return TrainedModel(network, name, classes, base, novel, ids, weights.path)


def _with_stated(fewshot: FewShotConfig, weights: WeightFile) -> FewShotConfig:
    """The lists of the configuration; where it has none, what the checkpoint says is novel."""
    stated = weights.metadata.get("novel")
    named = fewshot.split != "none" or fewshot.novel_classes is not None or fewshot.base_classes is not None
    return fewshot if named or stated is None else replace(fewshot, novel_classes=tuple(stated))


def novel_classes(classes: Sequence[str], fewshot: FewShotConfig, stage: object = None) -> tuple[str, ...]:
    """Which classes of a trained network are novel.

    Args:
        classes: all of them.
        fewshot: the published split, or lists of which one is enough.
        stage: "base", "novel" or "all", as the checkpoint says; counts where there are no lists.

    Raises:
        UserError: a list that cannot be read.
    """
    if fewshot.split != "none":
        novel = published_lists(fewshot.split).novel
    elif fewshot.novel_classes is not None:
        novel = load_classes(fewshot.novel_classes).names if fewshot.novel_classes else ()
    elif fewshot.base_classes is not None:
        base = load_classes(fewshot.base_classes).names
        return tuple(name for name in classes if name not in base)
    else:
        novel = tuple(classes) if stage == "novel" else ()
    return tuple(name for name in classes if name in novel)


def _configured_classes(weights: WeightFile, count: int, config: DeFRCNConfig) -> tuple[str, ...]:
    """Names for a file that has none.

    Raises:
        UserError: the configuration has none either, or another number.
    """
    if not (lists_are_named(config) or config.data.classes is not None or has_split(config.data, "train")):
        raise UserError(
            f"{weights.path}: this file does not name its {count} classes. Pass --fewshot.split and "
            "--fewshot.classes, or --data.classes FILE with one name a line."
        )
    names = classes_of(config).names
    if len(names) != count:
        raise UserError(
            f"{weights.path}: was trained for {count} classes, but the stage has {len(names)} "
            f"(fewshot.classes {config.fewshot.classes}). Give the stage that it was trained in, or its classes."
        )
    return names
