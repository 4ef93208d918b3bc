"""torchvision's MobileNetV2 classification weights in terms of our trunk stages."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ms_core.checkpoint.names import Rule, batch_norm_to_mindspore, prefix, rename
from ms_core.checkpoint.norm_eps import fold_eps

TRUNK_EPS = 1e-3  # MOBILENET_V2_NORM.eps, repeated because importing it would import MindSpore

STAGES = 19
"""`features.0` to `features.18`."""


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
    rules = [rule for stage in range(STAGES) for rule in _stage_rules(stage, stage_name(stage))]
    return rename(batch_norm_to_mindspore(fold_eps(arrays, TRUNK_EPS)), rules)


def _stage_rules(stage: int, ours: str) -> tuple[Rule, ...]:
    theirs = rf"features\.{stage}\."
    return (
        # Convolution or norm of a ConvNormReLU6 inside a block.
        Rule(theirs + r"conv\.(\d+)\.(\d+)\.(\w+)", ours + r".conv.\1.features.\2.\3"),
        # The same of stages 0 and 18, which are no blocks.
        Rule(theirs + r"(\d+)\.(\w+)", ours + r".features.\1.\2"),
        # The projection at the end of a block, which is not wrapped.
        prefix(f"features.{stage}.", f"{ours}."),
    )
