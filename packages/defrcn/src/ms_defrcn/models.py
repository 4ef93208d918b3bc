"""Every network of this package by name, and its initial weights."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Literal

import numpy as np
from mindspore import Tensor, nn
from ms_core.errors import UserError
from ms_core.networks.build import check_choice

from ms_defrcn.config import ModelConfig, ProposalConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.resnet import LAYOUTS

MODELS: dict[str, partial[DeFRCN]] = {
    "defrcn_r101": partial(DeFRCN, layout=LAYOUTS[101]),
    "defrcn_r50": partial(DeFRCN, layout=LAYOUTS[50]),
    "defrcn_r18": partial(DeFRCN, layout=LAYOUTS[18]),
}
"""Name -> builder(name, num_classes, config, proposals); the paper's is defrcn_r101."""

_SIGMAS = {
    "proposal_generator.": 0.01,
    "roi_heads.box_predictor.cls_score.": 0.01,
    "roi_heads.box_predictor.bbox_pred.": 0.001,
}
"""Beginning of a name -> deviation of its initial weights."""


def build_model(
    name: str,
    num_classes: int,
    *,
    rpn_gradient_scale: float = 0.0,
    roi_gradient_scale: float = 0.75,
    freeze_res5: bool = False,
    freeze_at: int = 3,
    norm: Literal["frozen", "batch"] = "frozen",
    dropout: float = 0.0,
    anchor_sizes: Sequence[float] = (32.0, 64.0, 128.0, 256.0, 512.0),
    anchor_ratios: Sequence[float] = (0.5, 1.0, 2.0),
    proposals: ProposalConfig | None = None,
    seed: int = 1,
) -> DeFRCN:
    """A network with initial weights; those of ImageNet come from `load_weights`.

    Args:
        name: one of `MODELS`.
        num_classes: K, at least 1; the background does not count.
        rpn_gradient_scale: factor on the gradient from the region proposal network to the backbone, 0-1.
        roi_gradient_scale: factor on the gradient from the RoI head to the backbone, 0-1.
        freeze_res5: the RoI head's res5 is not trained.
        freeze_at: how many of stem, res2, res3 and res4 are not trained.
        norm: "frozen", or "batch": what is trained learns its normalisations from batches.
        dropout: probability with which training drops a feature before the classifier, in [0, 1).
        anchor_sizes: square roots of the areas of anchors, pixels.
        anchor_ratios: height over width of anchors.
        proposals: of inference; None for the published numbers.
        seed: the same seed gives the same initial weights.

    Returns:
        See `DeFRCN`.

    Raises:
        UserError: unknown name, fewer than 1 class, or a number out of its range.
    """
    check_choice("model", name, MODELS)
    if num_classes < 1:
        raise UserError(f"num_classes={num_classes}: needs at least 1. The background does not count.")
    if not 0 <= dropout < 1:
        raise UserError(f"dropout={dropout}: is not within 0 and 1 (1 excluded).")
    try:
        config = ModelConfig(
            name=name,
            rpn_gradient_scale=rpn_gradient_scale,
            roi_gradient_scale=roi_gradient_scale,
            freeze_res5=freeze_res5,
            freeze_at=freeze_at,
            norm=norm,
            dropout=dropout,
            anchor_sizes=tuple(map(float, anchor_sizes)),
            anchor_ratios=tuple(map(float, anchor_ratios)),
        )
    except ValueError as error:
        raise UserError(str(error)) from error
    network = MODELS[name](
        name=name, num_classes=num_classes, config=config, proposals=proposals or ProposalConfig()
    )
    network.options = _unusual(config)
    initialise(network, seed)
    return network


def _unusual(config: ModelConfig) -> dict[str, Any]:
    """The options that are not the defaults, as JSON has them."""
    usual = asdict(ModelConfig(name=config.name))
    differing = {key: value for key, value in asdict(config).items() if value != usual[key]}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in differing.items()}


def initialise(network: nn.Cell, seed: int) -> None:
    """Fill the residual network for ReLUs (He et al. 2015, by fan-out) and the heads from narrow normal distributions.

    Deviations of the heads: 0.01, and 0.001 for the boxes of regions (detectron2). Biases stay 0. A weight depends on
    the seed and on its own name only, so networks that share a part start with the same numbers in it.
    """
    for name, parameter in network.parameters_and_names():
        if parameter.ndim < 2 or name.startswith(
            "affine_"
        ):  # biases, normalisation, gradient decoupled layers
            continue
        rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
        values = rng.standard_normal(parameter.shape, np.float32)
        parameter.set_data(Tensor(values * np.float32(_sigma(name, parameter.shape))))


def _sigma(name: str, shape: tuple[int, ...]) -> float:
    narrow = next((sigma for prefix, sigma in _SIGMAS.items() if name.startswith(prefix)), None)
    if narrow is not None:
        return narrow
    return float(np.sqrt(2 / (shape[0] * np.prod(shape[2:]))))
