"""`create_network` of the old `mindspore_hub_conf.py`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ms_core.old_zoo.networks import BACKBONES, RESNETS

COCO_CLASSES = 81
"""The old detectors were built for COCO, background included."""
CITYSCAPES_CLASSES = 19
"""The old SegFormers were built for Cityscapes."""
COCO_OBJECTS = 80
"""Classes of COCO without the background."""


def create_network(
    module: str, name: str, *, is_training: bool = True, num_classes: int = COCO_CLASSES, **options: Any
) -> Any:
    """A network with initial weights, as MindSpore Hub asks for it.

    Args:
        module: package that has it, such as `ms_ssd`.
        name: network, such as `ssd300`.
        is_training: True: raw box deltas and class scores; False: decoded boxes (y0, x0, y1, x1 in 0-1) and sigmoid
            scores, as the old network gave them with this argument.
        num_classes: background included.
        options: as `build_model` of the package takes them: variant, padding, seed, ...

    Returns:
        The network. is_training True: construct(images [B, 3, H, W]) -> (box_deltas [B, N, 4], class_logits
        [B, N, K]); False: (boxes [B, N, 4], scores [B, N, K]).

    Raises:
        UserError: the package has no such network, or the network no such option.
    """
    network = import_module(module).build_model(name, num_classes, **options)
    if is_training:
        return network
    from ms_core.networks.inference import InferenceModel

    network.set_train(False)
    return InferenceModel(network)


def create_segmentation_network(
    module: str, name: str, *, is_training: bool = True, num_classes: int = CITYSCAPES_CLASSES, **options: Any
) -> Any:
    """A segmentation network with initial weights, as MindSpore Hub asks for it.

    Args:
        module: package that has it, such as `ms_segformer`.
        name: network, such as `segformer_b0`; the old name of its backbone, `mit_b0`, means the same.
        is_training: False: dropout is off and batch normalisation uses its moving statistics.
        num_classes: of the data.
        options: as `build_model` of the package takes them: decoder_width (512 for old checkpoints from b1 on), seed.

    Returns:
        The network: construct(images [B, 3, H, W]) -> logits [B, K, ceil(H/4), ceil(W/4)].

    Raises:
        UserError: the package has no such network, or the network no such option.
    """
    network = import_module(module).build_model(BACKBONES.get(name, name), num_classes, **options)
    network.set_train(is_training)
    return network


def create_few_shot_network(
    module: str, name: str, *, is_training: bool = True, num_classes: int = COCO_OBJECTS, **options: Any
) -> Any:
    """A DeFRCN detector with initial weights, as MindSpore Hub asks for it.

    Args:
        module: package that has it, such as `ms_defrcn`.
        name: network, such as `defrcn_r101`; the old name of its backbone, `resnet_v1_101`, means the same.
        is_training: False: dropout is off.
        num_classes: without the background; the old `num_classes` counted it.
        options: as `build_model` of the package takes them: gradient scales, freeze_res5, dropout, seed, ...

    Returns:
        The network: construct(images [B, 3, H, W], sizes [B, 2]) -> (boxes [B, R, K, 4], scores [B, R, K + 1], valid
        [B, R]); boxes x0 y0 x1 y1 in pixels of the input, the background last.

    Raises:
        UserError: the package has no such network, or the network no such option.
    """
    network = import_module(module).build_model(RESNETS.get(name, name), num_classes, **options)
    network.set_train(is_training)
    return network
