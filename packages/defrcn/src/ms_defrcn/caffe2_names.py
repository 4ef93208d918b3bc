"""ImageNet ResNets under Caffe2's names: `R-50.pkl` and `R-101.pkl` of MSRA.

Two spellings are in use. Detectron's files have normalisations with the statistics worked in, `bn_s` and `bn_b`;
detectron2's have `bn_gamma`, `bn_beta`, `bn_running_mean` and `bn_running_var`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.names import Rule, rename

from ms_defrcn.detectron2_names import BACKBONE, RES5, TRUNK, with_statistics

_LEAVES = {
    "s": "gamma",
    "gamma": "gamma",
    "b": "beta",
    "beta": "beta",
    "rm": "moving_mean",
    "running_mean": "moving_mean",
    "riv": "moving_variance",
    "running_var": "moving_variance",
}
"""Parameters of a normalisation in either spelling; `riv` holds the variance, whatever its name promises."""

_BRANCHES = {"branch1": "shortcut", "branch2a": "conv1", "branch2b": "conv2", "branch2c": "conv3"}

_UNUSED = ("fc1000_", "pred_")
"""ImageNet's classifier."""


def _block_rules(stages: str, beginning: str) -> list[Rule]:
    """`res4_0_branch2a_w` and its normalisation, of the stages in the character class `stages`."""
    return [
        rule
        for theirs, ours in _BRANCHES.items()
        for rule in (
            Rule(rf"res({stages})_(\d+)_{theirs}_w", rf"{beginning}\2.{ours}.weight"),
            *(
                Rule(rf"res({stages})_(\d+)_{theirs}_bn_{leaf}", rf"{beginning}\2.{ours}.norm.{word}")
                for leaf, word in _LEAVES.items()
            ),
        )
    ]


_RULES = (
    Rule("conv1_w", f"{BACKBONE}stem.conv1.weight"),
    *(Rule(f"res_conv1_bn_{leaf}", f"{BACKBONE}stem.conv1.norm.{word}") for leaf, word in _LEAVES.items()),
    *_block_rules("[234]", rf"{BACKBONE}res\1."),
    *_block_rules("5", RES5),
)


def from_caffe2(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of a Caffe2 file -> our names, without ImageNet's classifier and the momenta of its training.

    `conv1_b`, a bias of about 1e-9 that some files have, keeps its name: DeFRCN has no place for it.
    """
    weights = {
        name: array
        for name, array in arrays.items()
        if not name.startswith(_UNUSED) and not name.endswith("_momentum")
    }
    return with_statistics(rename(weights, _RULES))


CAFFE2 = WeightSource(
    "MSRA ImageNet ResNet",
    lambda arrays: {"conv1_w", "res2_0_branch2a_w"} <= set(arrays),
    from_caffe2,
    covers=TRUNK,
)
"""`R-50.pkl`, `R-101.pkl`: BGR images with pixel values less their mean, strides in the 1x1 convolutions."""
