"""Classification weights of ResNet-50, of torchvision and of the old model zoo, in terms of our trunk."""

from collections.abc import Mapping

import numpy as np

from ms_core.checkpoint.names import Rule, batch_norm_to_mindspore, prefix, rename
from ms_core.checkpoint.norm_eps import fold_eps

TRUNK_EPS = 1e-3  # RESNET_NORM.eps, repeated because importing it would import MindSpore

_LAST_OF_50 = "layer3.5.conv3.weight"
_FIRST_OF_101 = "layer3.6.conv1.weight"
_WIDTH = ("layer1.0.conv2.weight", (64, 64, 3, 3))
"""Wider and grouped relatives (Wide ResNet, ResNeXt) have the same names but another shape here."""


def is_torchvision_resnet50(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the arrays of torchvision's `resnet50`."""
    return _is_resnet50(arrays) and {"bn1.running_var", "layer1.0.downsample.0.weight"} <= set(arrays)


def is_old_resnet50(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the arrays of the old zoo's classification ResNet-50."""
    return _is_resnet50(arrays) and {"bn1.moving_variance", "layer1.0.down_sample_layer.0.weight"} <= set(
        arrays
    )


def _is_resnet50(arrays: Mapping[str, np.ndarray]) -> bool:
    name, shape = _WIDTH
    return (
        name in arrays
        and arrays[name].shape == shape
        and _LAST_OF_50 in arrays
        and _FIRST_OF_101 not in arrays
    )


def translate_torchvision_resnet50(arrays: Mapping[str, np.ndarray], trunk: str) -> dict[str, np.ndarray]:
    """Rename trunk weights and adapt them to our normalisation constant.

    Args:
        arrays: content of a torchvision file.
        trunk: beginning of our names, such as `backbone.`.

    Returns:
        Our names -> arrays; those of the classifier (`fc.weight`) as they were; no batch counters.
    """
    rules = (
        Rule(r"(layer\d\.\d+)\.downsample\.(.*)", _literal(trunk) + r"\1.down_sample_layer.\2"),
        *_trunk_rules(trunk),
    )
    return rename(batch_norm_to_mindspore(fold_eps(arrays, TRUNK_EPS)), rules)


def translate_old_resnet50(arrays: Mapping[str, np.ndarray], trunk: str) -> dict[str, np.ndarray]:
    """Put `trunk` before the names of trunk weights; `end_point.*` and whatever else is there stays as it is."""
    return rename(arrays, _trunk_rules(trunk))


def _trunk_rules(trunk: str) -> tuple[Rule, ...]:
    return tuple(
        prefix(part, trunk + part) for part in ("conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4.")
    )


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")
