"""ImageNet ResNets of torchvision: ResNet-101 for the calibration of scores, ResNet-18 as a trunk of `defrcn_r18`.

The larger ones are no trunks: torchvision puts the strides of a bottleneck into its 3x3 convolution, DeFRCN's networks
of these depths into the first 1x1, so the same weights would compute something else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.names import Rule, batch_norm_to_mindspore, rename

from ms_defrcn.detectron2_names import BACKBONE, RES5, TRUNK, from_detectron2

_STD = (0.229, 0.224, 0.225)
"""What torchvision divides red, green and blue by, of values 0-1."""

_FIRST = {"conv1.weight", "bn1.running_var", "layer1.0.conv1.weight"}
_BOTTLENECK = "layer1.0.conv3.weight"


def _trunk_rules(layer: int, beginning: str) -> list[Rule]:
    theirs = rf"layer{layer}\.(\d+)\."
    return [
        Rule(rf"{theirs}conv(\d)\.weight", rf"{beginning}\1.conv\2.weight"),
        Rule(rf"{theirs}bn(\d)\.(.*)", rf"{beginning}\1.conv\2.norm.\3"),
        Rule(rf"{theirs}downsample\.0\.weight", rf"{beginning}\1.shortcut.weight"),
        Rule(rf"{theirs}downsample\.1\.(.*)", rf"{beginning}\1.shortcut.norm.\2"),
    ]


_TO_DETECTRON2 = (
    Rule(r"conv1\.weight", f"{BACKBONE}stem.conv1.weight"),
    Rule(r"bn1\.(.*)", rf"{BACKBONE}stem.conv1.norm.\1"),
    *(rule for layer in (1, 2, 3) for rule in _trunk_rules(layer, f"{BACKBONE}res{layer + 1}.")),
    *_trunk_rules(4, RES5),
)


def is_torchvision(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the names of a ResNet of torchvision, of any depth."""
    return set(arrays) >= _FIRST


def has_bottlenecks(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether a ResNet of torchvision, under its or MindSpore's names, has 50 layers or more."""
    return _BOTTLENECK in arrays


def from_torchvision_trunk(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of a ResNet-18 file -> our names, for the images that DeFRCN takes; ImageNet's classifier is left out.

    Exact: torchvision's input is (rgb / 255 - mean) / std, ours bgr - 255 * mean with the same mean. So the planes of
    the first convolution change their order and are divided by 255 * std; zero padding means the same in both.
    """
    ours = {name: array for name, array in arrays.items() if not name.startswith("fc.")}
    scale = np.float64(255) * np.array(_STD)
    first = ours["conv1.weight"] / scale[:, None, None]
    ours["conv1.weight"] = first[:, ::-1].astype(np.float32)
    return from_detectron2(rename(ours, _TO_DETECTRON2))


TORCHVISION = WeightSource("torchvision ImageNet ResNet", is_torchvision, batch_norm_to_mindspore)
"""`resnet101-5d3b4d8f.pth`, for the calibration network, which has torchvision's names."""

TORCHVISION_TRUNK = WeightSource(
    "torchvision ImageNet ResNet-18",
    lambda arrays: is_torchvision(arrays) and not has_bottlenecks(arrays),
    from_torchvision_trunk,
    covers=TRUNK,
)
"""`resnet18-5c106cde.pth`, `resnet18-f37072fd.pth`."""
