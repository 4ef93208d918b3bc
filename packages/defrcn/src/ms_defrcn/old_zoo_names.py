"""Checkpoints of the old MindSpore port of DeFRCN: what of them fits our networks, and what cannot.

* Trunk and gradient decoupled layers have the same layout under other names.
* The predictors multiply from the other side ([features, classes]) and count the background as the first class.
* The region proposal network does not carry over: its anchors are listed ratio by ratio, their sides are rounded and
  one pixel short, and they sit 7.5 pixels further to the right and bottom, so what it learned to predict belongs to
  other boxes.
* Regions were cut out half a pixel off (RoIAlign without alignment). The predictors are used as they are, but reach
  their old accuracy only after some more training.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.names import Rule, rename

from ms_defrcn.detectron2_names import BACKBONE, RES5, TRUNK, with_statistics

RPN = "proposal_generator."
"""Beginning of our parameters that an old checkpoint cannot fill."""

WHY_NO_RPN = "the old port's region proposal network has other anchors and is left out"

_WEIGHTS = ("backbone.", "layer4.", "affine_", "rcnn.")
"""Beginnings of the old names that have a place here; all else is the RPN or the state of the training."""

_FIRST = "backbone.stem.bn1.gamma"

_CLASSIFIER = "rcnn.cls_scores."
_BOXES = "rcnn.reg_scores."
_PREDICTOR = "roi_heads.box_predictor."


def _stage_rules(old: str, ours: str) -> list[tuple[str, str, str, str]]:
    """(old beginning, our beginning, old layer, our layer) of a stage."""
    layers = {f"conv{i}.": f"conv{i}." for i in (1, 2, 3)} | {"conv_down_sample.": "shortcut."}
    norms = {f"bn{i}.": f"conv{i}.norm." for i in (1, 2, 3)} | {"bn_down_sample.": "shortcut.norm."}
    return [(old, ours, theirs, name) for theirs, name in (norms | layers).items()]


_LAYERS = [
    *(
        row
        for stage in (1, 2, 3)
        for row in _stage_rules(f"backbone.layer{stage}.", f"{BACKBONE}res{stage + 1}.")
    ),
    *_stage_rules("layer4.", RES5),
]


def _rule(beginning: str, layer: str, new_beginning: str, new_layer: str) -> Rule:
    dotted = (beginning.replace(".", r"\."), layer.replace(".", r"\."))
    return Rule(rf"{dotted[0]}(\d+)\.{dotted[1]}(.*)", rf"{new_beginning}\1.{new_layer}\2")


_TO_OURS = (
    Rule(r"backbone\.stem\.bn1\.(.*)", r"backbone.stem.conv1.norm.\1"),
    *(_rule(old, theirs, ours, name) for old, ours, theirs, name in _LAYERS),
)
_TO_OLD = (
    Rule(r"backbone\.stem\.conv1\.norm\.(.*)", r"backbone.stem.bn1.\1"),
    *(_rule(ours, name, old, theirs) for old, ours, theirs, name in _LAYERS),
)


def from_old_zoo(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights of an old checkpoint under our names and in our layout, without RPN and training state."""
    kept = {name: array for name, array in arrays.items() if name.startswith(_WEIGHTS)}
    translated = rename({n: a for n, a in kept.items() if not n.startswith("rcnn.")}, _TO_OURS)
    for old, ours in ((_CLASSIFIER, "cls_score."), (_BOXES, "bbox_pred.")):
        for leaf in ("weight", "bias"):
            if old + leaf in kept:
                array = np.ascontiguousarray(kept[old + leaf].T)
                translated[f"{_PREDICTOR}{ours}{leaf}"] = (
                    np.roll(array, -1, 0) if old == _CLASSIFIER else array
                )
    return with_statistics(translated)


def to_old_zoo_trunk(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A trunk under our names -> the names that the old training looks for (`backbone_pretrained_path`)."""
    return rename(arrays, _TO_OLD)


def _is_old(arrays: Mapping[str, np.ndarray]) -> bool:
    return _FIRST in arrays and "backbone.layer1.0.conv1.weight" in arrays


def _is_old_trunk(arrays: Mapping[str, np.ndarray]) -> bool:
    return _is_old(arrays) and not any(
        name.startswith(("rcnn.", "affine_", "rpn_with_loss.")) for name in arrays
    )


OLD_ZOO = WeightSource(
    f"old MindSpore port ({WHY_NO_RPN})",
    lambda arrays: _is_old(arrays) and not _is_old_trunk(arrays),
    from_old_zoo,
)
"""`defrcn-*.ckpt` of the old training, and what its model_surgery.py made of them."""

OLD_ZOO_TRUNK = WeightSource("old MindSpore port's trunk", _is_old_trunk, from_old_zoo, covers=TRUNK)
"""`backbone.ckpt` of the old pkl2ckpt.py; ImageNet's classifier (`end_point.*`) is left out."""
