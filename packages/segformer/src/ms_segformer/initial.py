"""Initial weights of SegFormer, reproducible from a seed."""

from __future__ import annotations

import zlib

import numpy as np
from mindspore import Tensor, nn
from ms_core.networks.initial import truncated_normal

LINEAR_SIGMA = 0.02
CLASSIFIER_SIGMA = 0.01


def initialise(network: nn.Cell, seed: int) -> None:
    """Fill linear layers from a truncated normal distribution (sigma 0.02), convolutions from a normal one.

    The sigma of a convolution is sqrt(2 / fan-out), that of the classifier 0.01, so that a new one begins undecided.
    Biases stay 0 and normalisations at gamma 1, beta 0, mean 0, variance 1. A weight depends on the seed and on its
    own name only, so networks that share a part start with the same numbers in it.
    """
    for name, parameter in network.parameters_and_names():
        if parameter.ndim < 2:  # biases, normalisation
            continue
        rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
        parameter.set_data(Tensor(_weight(name, parameter.shape, rng)))


def _weight(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if len(shape) == 2:
        return truncated_normal(rng, shape, LINEAR_SIGMA)
    sigma = CLASSIFIER_SIGMA if name.endswith("linear_pred.weight") else np.sqrt(2 / _fan_out(shape))
    return (rng.standard_normal(shape) * sigma).astype(np.float32)


def _fan_out(shape: tuple[int, ...]) -> int:
    """Outputs that one input value of a convolution [out, in, k, k] reaches; a depthwise one reaches one channel."""
    out_channels, in_channels, *kernel = shape
    return int(np.prod(kernel)) * (1 if in_channels == 1 else out_channels)
