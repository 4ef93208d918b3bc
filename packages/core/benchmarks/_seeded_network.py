"""Networks without training whose outputs have the usual range, the same in every run."""

from __future__ import annotations

import re

import numpy as np
from mindspore import Tensor, nn


def seeded(network: nn.Cell) -> nn.Cell:
    """Weights by fan-in, statistics that differ from channel to channel; returns the network."""
    rng = np.random.default_rng(6)
    for parameter in network.get_parameters():
        leaf, shape = parameter.name.rpartition(".")[2], parameter.shape
        if leaf in ("gamma", "moving_variance"):
            array = rng.uniform(0.8, 1.2, shape)
        elif len(shape) > 1:
            array = rng.standard_normal(shape) * np.sqrt(1.5 / np.prod(shape[1:]))
        elif leaf in ("beta", "bias", "moving_mean"):
            array = rng.uniform(-0.1, 0.1, shape)
        else:
            continue
        parameter.set_data(Tensor(array.astype(np.float32)))
    return network


def seeded_two_stage(network: nn.Cell) -> nn.Cell:
    """The same for DeFRCN, whose normalisation is frozen: values stay near 1 as in a trained network.

    The stem takes the scale of pixels away, the last convolution of a block adds a fifth, boxes move a little from
    their anchors, and what all regions have in common says nothing about their class.
    """
    parameters = {parameter.name: parameter for parameter in seeded(network).get_parameters()}
    last = {}
    for name in sorted(parameters):
        if block := re.fullmatch(r"(.*res\d\.\d+)\.conv\d\.norm\.gamma", name):
            last[block[1]] = name
    scales = dict.fromkeys(last.values(), 0.2) | {"backbone.stem.conv1.norm.gamma": 1 / 64}
    for name, parameter in parameters.items():
        array = parameter.asnumpy()
        if name.endswith("cls_score.weight"):
            array = array - array.mean(axis=1, keepdims=True)
        scale = 0.1 if name.endswith(("anchor_deltas.weight", "bbox_pred.weight")) else scales.get(name, 1.0)
        parameter.set_data(Tensor((scale * array).astype(np.float32)))
    return network
