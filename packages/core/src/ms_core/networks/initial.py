"""Initial weights of the SSD family, reproducible from a seed."""

import zlib

import numpy as np
from mindspore import Tensor, nn

_SIGMA = 0.02
_CUT = 2.0  # in sigmas


def initialise(network: nn.Cell, seed: int) -> None:
    """Fill every convolution from a truncated normal distribution (sigma 0.02, cut at 2 sigma).

    Biases stay 0 and normalisations at gamma 1, beta 0, mean 0, variance 1. A weight depends on the seed
    and on its own name only, so nets that share a part start with the same numbers in it.
    """
    for name, parameter in network.parameters_and_names():
        if parameter.ndim < 2:  # biases, normalisation
            continue
        rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
        parameter.set_data(Tensor(truncated_normal(rng, parameter.shape, _SIGMA)))


def truncated_normal(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Normal values, float32; those beyond 2 sigma are drawn again."""
    values = rng.standard_normal(shape)
    outside = np.abs(values) > _CUT
    while outside.any():
        values[outside] = rng.standard_normal(int(outside.sum()))
        outside = np.abs(values) > _CUT
    return (values * sigma).astype(np.float32)
