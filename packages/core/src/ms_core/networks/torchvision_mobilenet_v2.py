"""torchvision's MobileNetV2 classification weights in terms of our trunk stages."""

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np

TORCHVISION_EPS = 1e-5
TRUNK_EPS = 1e-3  # MOBILENET_V2_NORM.eps, repeated because importing it would import MindSpore

_NORM_LEAVES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_STAGE = re.compile(r"features\.(\d+)\.(.+)")
_NESTED = re.compile(r"conv\.(\d+)\.(\d+)\.(\w+)")  # convolution or norm of a ConvNormReLU6 inside a block
_PLAIN = re.compile(r"(\d+)\.(\w+)")  # the same of stages 0 and 18, which are no blocks


def is_torchvision_mobilenet_v2(names: Iterable[str]) -> bool:
    """Whether these are the names of torchvision's `mobilenet_v2` (a file with its 19 `features`)."""
    return {"features.0.0.weight", "features.1.conv.0.0.weight", "features.18.1.running_mean"} <= set(names)


def translate_trunk(
    arrays: Mapping[str, np.ndarray], stage_name: Callable[[int], str]
) -> dict[str, np.ndarray]:
    """Rename trunk weights and adapt them to our normalisation constant.

    Args:
        arrays: content of a torchvision file.
        stage_name: trunk stage (0-18) -> name of its cell in our network.

    Returns:
        Our names -> arrays; names outside the trunk (`classifier.1.weight`) as they were; no batch counters.
    """
    translated = {}
    for name, array in _fold_eps(arrays).items():
        match = _STAGE.fullmatch(name)
        if match is None:
            translated[name] = array
        elif not name.endswith("num_batches_tracked"):  # PyTorch's counter; no weight
            is_norm = name.rsplit(".", 1)[0] + ".running_var" in arrays
            translated[f"{stage_name(int(match[1]))}.{_inside_stage(match[2], is_norm)}"] = array
    return translated


def _inside_stage(name: str, is_norm: bool) -> str:
    """`conv.0.1.running_var` -> `conv.0.features.1.moving_variance`."""
    if is_norm:
        prefix, leaf = name.rsplit(".", 1)
        name = f"{prefix}.{_NORM_LEAVES[leaf]}"
    if nested := _NESTED.fullmatch(name):
        return f"conv.{nested[1]}.features.{nested[2]}.{nested[3]}"
    if plain := _PLAIN.fullmatch(name):
        return f"features.{plain[1]}.{plain[2]}"
    return name  # conv.2.weight, conv.3.gamma: the projection, which is not wrapped


def _fold_eps(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Absorb the other eps into the scale of each normalisation.

    torchvision computes w * (x - mean) / sqrt(var + 1e-5) + b,
    our trunk gamma * (x - mean) / sqrt(var + 1e-3) + beta.
    With gamma = w * sqrt((var + 1e-3) / (var + 1e-5)) both are the same function of x as long as the moving
    statistics are used: inference is unchanged. A later step in training mode uses its batch's variance.
    """
    folded = dict(arrays)
    for name, variance in arrays.items():
        if name.endswith(".running_var"):
            scale = name.removesuffix("running_var") + "weight"
            ratio = (variance.astype(np.float64) + TRUNK_EPS) / (
                variance.astype(np.float64) + TORCHVISION_EPS
            )
            folded[scale] = (arrays[scale] * np.sqrt(ratio)).astype(np.float32)
    return folded
