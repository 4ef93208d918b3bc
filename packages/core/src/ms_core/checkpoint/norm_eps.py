"""Batch normalisations from a framework that adds another constant to the variance."""

from collections.abc import Mapping

import numpy as np

TORCH_EPS = 1e-5
"""PyTorch's default, which torchvision's networks keep."""


def fold_eps(
    arrays: Mapping[str, np.ndarray], ours: float, theirs: float = TORCH_EPS
) -> dict[str, np.ndarray]:
    """Absorb the other constant into the scale of each normalisation.

    They compute w * (x - mean) / sqrt(var + theirs) + b, we gamma * (x - mean) / sqrt(var + ours) + beta.
    With gamma = w * sqrt((var + ours) / (var + theirs)) both are the same function of x as long as the moving
    statistics are used: inference is unchanged. A later step in training mode uses its batch's variance.

    Args:
        arrays: PyTorch's names; a module with a `running_var` and a `weight` of its shape is a normalisation.
        ours: constant of our normalisation.
        theirs: constant the weights were trained with.
    """
    folded = dict(arrays)
    for name, variance in arrays.items():
        scale = name.removesuffix("running_var") + "weight"
        if name.endswith(".running_var") and scale in arrays and arrays[scale].shape == variance.shape:
            exact = variance.astype(np.float64)
            folded[scale] = (arrays[scale] * np.sqrt((exact + ours) / (exact + theirs))).astype(np.float32)
    return folded
