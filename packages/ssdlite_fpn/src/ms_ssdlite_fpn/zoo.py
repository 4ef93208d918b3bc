"""Foreign and old weight files that this package's network can start from."""

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.old_zoo import OLD_ZOO
from ms_core.networks.torchvision_mobilenet_v2 import is_torchvision_mobilenet_v2, translate_trunk

_SPLITS = (7, 14)  # ssdlite_mobilenetv2_fpn.SPLITS, repeated because importing it would import MindSpore


def _stage_name(stage: int) -> str:
    part = sum(stage >= split for split in _SPLITS)
    return f"feature_extractor.mobilenet_v2.features_{part + 1}.{stage - (0, *_SPLITS)[part]}"


def _from_torchvision(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return translate_trunk(arrays, _stage_name)


TORCHVISION_MOBILENET_V2 = WeightSource(
    "torchvision MobileNetV2",
    is_torchvision_mobilenet_v2,
    _from_torchvision,
    padding="torch",
    covers="feature_extractor.mobilenet_v2.features_",
)
"""torchvision's `mobilenet_v2-*.pth` (ImageNet classes), for the trunk. `classifier.*` is unused."""

SOURCES: dict[str, tuple[WeightSource, ...]] = {
    "ssdlite_mobilenetv2_fpn": (OLD_ZOO, TORCHVISION_MOBILENET_V2),
}
"""Model name -> files it can be filled from, beside its own checkpoints."""
