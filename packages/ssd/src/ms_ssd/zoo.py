"""Foreign and old weight files that this package's networks can start from."""

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.networks.torchvision_mobilenet_v2 import is_torchvision_mobilenet_v2, translate_trunk

_PREFIX = "network."
_FEATURES_1_STAGES = 14  # ssd300.SPLIT, repeated because importing it would import MindSpore


def _is_old_zoo(arrays: Mapping[str, np.ndarray]) -> bool:
    return any(name.startswith(f"{_PREFIX}multi_box.") for name in arrays)


def _from_old_zoo(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Our names are the old ones without `network.`; the rest (moments, counters) is no weight."""
    return {name.removeprefix(_PREFIX): array for name, array in arrays.items() if name.startswith(_PREFIX)}


OLD_ZOO = WeightSource("old model zoo", _is_old_zoo, _from_old_zoo, padding="same", covers="")
"""Checkpoints of the old MindSpore model zoo: every weight of a network under `network.`."""


def _stage_name(stage: int) -> str:
    if stage < _FEATURES_1_STAGES:
        return f"backbone.features_1.{stage}"
    return f"backbone.features_2.{stage - _FEATURES_1_STAGES}"


def _from_torchvision(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Trunk weights, and with them the first tap.

    The tap is a 1x1 convolution 96 -> 576 with normalisation on the output of stage 13: the very shape and
    input of the expansion at the start of stage 14, which is therefore copied into it instead of random
    numbers.
    """
    translated = translate_trunk(arrays, _stage_name)
    expansion = f"{_stage_name(14)}.conv.0."
    for name in [name for name in translated if name.startswith(expansion)]:
        translated[name.replace(expansion, "backbone.expand_layer_conv_13.")] = translated[name]
    return translated


TORCHVISION_MOBILENET_V2 = WeightSource(
    "torchvision MobileNetV2",
    is_torchvision_mobilenet_v2,
    _from_torchvision,
    padding="torch",
    covers="backbone.",
)
"""torchvision's `mobilenet_v2-*.pth` (ImageNet classes), for the backbone. `classifier.*` is unused."""

SOURCES: dict[str, tuple[WeightSource, ...]] = {
    "ssd300": (OLD_ZOO, TORCHVISION_MOBILENET_V2),
}
"""Model name -> files it can be filled from, beside its own checkpoints."""
