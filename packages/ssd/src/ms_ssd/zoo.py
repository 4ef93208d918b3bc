"""Foreign and old weight files that this package's networks can start from."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.old_zoo import OLD_ZOO
from ms_core.networks.mobilenet_v1_files import is_old_mobilenet_v1, translate_old_mobilenet_v1
from ms_core.networks.resnet50_files import (
    is_old_resnet50,
    is_torchvision_resnet50,
    translate_old_resnet50,
    translate_torchvision_resnet50,
)
from ms_core.networks.torchvision_mobilenet_v2 import is_torchvision_mobilenet_v2, translate_trunk
from ms_core.networks.vgg16_files import fully_connected_as_convolutions, has_vgg16, translate_vgg16

_FEATURES_1_STAGES = 14  # ssd300.SPLIT, repeated because importing it would import MindSpore
_MOBILENET_V1 = "feature_extractor.mobilenet_v1."
_RESNET = "feature_extractor.resnet."
_VGG16 = "backbone."


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

OLD_MOBILENET_V1 = WeightSource(
    "old model zoo's MobileNetV1",
    is_old_mobilenet_v1,
    partial(translate_old_mobilenet_v1, trunk=_MOBILENET_V1),
    padding="same",
    covers=_MOBILENET_V1,
)
"""The old zoo's classification checkpoint, for the trunk. `fc.*` is unused."""

TORCHVISION_RESNET50 = WeightSource(
    "torchvision ResNet-50",
    is_torchvision_resnet50,
    partial(translate_torchvision_resnet50, trunk=_RESNET),
    padding="torch",
    covers=_RESNET,
)
"""torchvision's `resnet50-*.pth`, for the trunk. `fc.*` is unused."""

OLD_RESNET50 = WeightSource(
    "old model zoo's ResNet-50",
    is_old_resnet50,
    partial(translate_old_resnet50, trunk=_RESNET),
    padding="same",
    covers=_RESNET,
)
"""The old zoo's classification checkpoint, for the trunk. `end_point.*` is unused."""


def _vgg16(name: str, sequence: str, *, norm: bool, trunk_norm: bool) -> WeightSource:
    """A VGG-16 file for a trunk with or without normalisations; the trunk has no strided convolution to pad."""

    def translate(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        trunk = translate_vgg16(arrays, sequence, norm=norm, trunk=_VGG16, trunk_norm=trunk_norm)
        return trunk | fully_connected_as_convolutions(arrays)

    recognises = partial(has_vgg16, sequence=sequence, norm=norm)
    return WeightSource(name, recognises, translate, padding=None, covers=_VGG16)


VGG16 = (
    _vgg16("torchvision VGG-16", "features", norm=False, trunk_norm=False),
    _vgg16("torchvision VGG-16", "features", norm=False, trunk_norm=True),
    _vgg16("torchvision VGG-16-BN", "features", norm=True, trunk_norm=True),
    _vgg16("old model zoo's VGG-16", "layers", norm=False, trunk_norm=False),
    _vgg16("old model zoo's VGG-16", "layers", norm=False, trunk_norm=True),
    _vgg16("old model zoo's VGG-16-BN", "layers", norm=True, trunk_norm=False),
    _vgg16("old model zoo's VGG-16-BN", "layers", norm=True, trunk_norm=True),
)
"""Classification files of VGG-16; of two that know a file, the one that fills more of the network is taken.

The zoo variant has no biases, so those of a file have no place in it. The paper variant also takes fc6 and fc7.
"""


def is_torchvision_vgg16_bn(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the arrays of torchvision's `vgg16_bn`."""
    return has_vgg16(arrays, "features", norm=True)


SOURCES: dict[str, tuple[WeightSource, ...]] = {
    "ssd300": (OLD_ZOO, TORCHVISION_MOBILENET_V2),
    "ssd_mobilenet_v1": (OLD_ZOO, OLD_MOBILENET_V1),
    "ssd_mobilenet_v1_fpn": (OLD_ZOO, OLD_MOBILENET_V1),
    "ssd_resnet50_fpn": (OLD_ZOO, TORCHVISION_RESNET50, OLD_RESNET50),
    "ssd_vgg16": (OLD_ZOO, *VGG16),
}
"""Model name -> files it can be filled from, beside its own checkpoints."""
