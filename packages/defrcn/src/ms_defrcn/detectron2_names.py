"""Files of detectron2: trained DeFRCN networks and ImageNet trunks.

Our parameter names are detectron2's with MindSpore's words for normalisations, so only those differ. A trunk may come
without `backbone.`, and with res5 beside res4 where DeFRCN has it in the RoI head.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.names import NORM_LEAVES, TORCH_COUNTER, Rule, rename
from ms_core.checkpoint.norm_eps import TORCH_EPS

BACKBONE = "backbone."
RES5 = "roi_heads.res5."
TRUNK = (BACKBONE, RES5)
"""Beginnings of the parameters that a classification ResNet fills: stem and res2 to res4, and res5 in the RoI head."""

FIRST_CONVOLUTION = f"{BACKBONE}stem.conv1.weight"

CELL_ANCHORS = "proposal_generator.anchor_generator.cell_anchors.0"
"""[A, 4]: the anchors around one place of the feature map. No weight, but what the weights of the RPN refer to."""

_UNUSED = ("proposal_generator.anchor_generator.", "pixel_mean", "pixel_std")
"""Buffers that are no weights."""

_NORMS = tuple(Rule(rf"(.*\.norm)\.{torch}", rf"\1.{ours}") for torch, ours in NORM_LEAVES.items())

_TRUNK = (
    Rule(r"(stem\.|res[234]\.)(.*)", rf"{BACKBONE}\1\2"),
    Rule(r"(?:backbone\.)?res5\.(.*)", rf"{RES5}\1"),
)


def from_detectron2(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of a detectron2 file, a whole network or a trunk -> our names, without what is no weight."""
    weights = {
        name: array
        for name, array in arrays.items()
        if not name.startswith(_UNUSED) and not name.endswith(TORCH_COUNTER)
    }
    return with_statistics(rename(rename(weights, _TRUNK), _NORMS))


def with_statistics(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Our names, where normalisations without statistics get some that make them a plain scale and shift.

    Such files come from Caffe's affine layers, y = gamma * x + beta. Ours computes
    gamma * (x - mean) / sqrt(variance + eps) + beta, so mean is 0 and variance 1 - eps.
    """
    complete: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        complete[name] = array
        norm, _, leaf = name.rpartition(".")
        if leaf == "gamma" and norm.endswith(".norm") and f"{norm}.moving_variance" not in arrays:
            complete[f"{norm}.moving_mean"] = np.zeros(array.shape, np.float32)
            complete[f"{norm}.moving_variance"] = np.full(array.shape, 1 - TORCH_EPS, np.float32)
    return complete


def is_trunk(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays under our names are those of a classification ResNet and nothing else of a detector."""
    return FIRST_CONVOLUTION in arrays and not any(
        name.startswith(("proposal_generator.", "roi_heads.box_predictor.", "affine_")) for name in arrays
    )


def _has_detectron2_norms(arrays: Mapping[str, np.ndarray]) -> bool:
    return any(f"{beginning}stem.conv1.norm.weight" in arrays for beginning in (BACKBONE, ""))


DETECTRON2 = WeightSource(
    "detectron2 DeFRCN",
    lambda arrays: _has_detectron2_norms(arrays) and not is_trunk(rename(arrays, _TRUNK)),
    from_detectron2,
)
"""`model_final.pth` of the authors' code, of base training or fine-tuning, and what its surgery makes of it."""

DETECTRON2_TRUNK = WeightSource(
    "detectron2 ImageNet ResNet",
    lambda arrays: _has_detectron2_norms(arrays) and is_trunk(rename(arrays, _TRUNK)),
    from_detectron2,
    covers=TRUNK,
)
"""An ImageNet ResNet under detectron2's names. Its `torchvision/R-*.pkl` have these names too, but were trained with
other strides and colours, which nothing in the names tells."""
