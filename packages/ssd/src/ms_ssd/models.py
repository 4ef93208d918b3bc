"""Every network of this package by name."""

from collections.abc import Callable
from typing import Any

from ms_core.errors import UserError
from ms_core.networks.build import build_single_shot
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork, Variant

from ms_ssd.ssd300 import SSD300
from ms_ssd.ssd_mobilenet_v1 import SSDMobileNetV1
from ms_ssd.ssd_mobilenet_v1_fpn import SSDMobileNetV1FPN
from ms_ssd.ssd_resnet50_fpn import SSDResNet50FPN
from ms_ssd.ssd_vgg16 import SSDVGG16
from ms_ssd.ssd_vgg16_paper import SSDVGG16Paper


def _ssd_vgg16(num_classes: int, variant: Variant, padding: Padding, **options: Any) -> SingleShotNetwork:
    del padding  # no strided convolution in the backbone
    network = SSDVGG16Paper if variant == "paper" else SSDVGG16
    return network(num_classes, **options)


MODELS: dict[str, Callable[..., SingleShotNetwork]] = {
    "ssd300": SSD300,
    "ssd_mobilenet_v1": SSDMobileNetV1,
    "ssd_mobilenet_v1_fpn": SSDMobileNetV1FPN,
    "ssd_resnet50_fpn": SSDResNet50FPN,
    "ssd_vgg16": _ssd_vgg16,
}
"""Name -> builder(num_classes, variant, padding, and those of OPTIONS that differ from their default)."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "ssd300": ("min_scale",),
    "ssd_mobilenet_v1": ("min_scale",),
    "ssd_vgg16": ("backbone_norm", "min_scale"),
}
"""Name -> options beyond variant and padding."""


def build_model(
    name: str,
    num_classes: int,
    *,
    variant: Variant = "zoo",
    padding: Padding = "same",
    seed: int = 1,
    backbone_norm: bool = False,
    min_scale: float | None = None,
) -> SingleShotNetwork:
    """A network with initial weights.

    Args:
        name: one of `MODELS`.
        num_classes: K, background (class 0) included, so at least 2.
        variant: "zoo" follows the old model zoo and its checkpoints, "paper" the published architecture.
            They differ for ssd_vgg16 and are the same network for all others.
        padding: of the strided convolutions in the backbone: "same" for weights of the old zoo or trained
            from nothing, "torch" for weights from torchvision. `padding_of(path)` tells which a file needs.
            ssd_vgg16 has no such convolution and is always "same".
        seed: the same seed gives the same initial weights.
        backbone_norm: batch normalisation in the trunk of ssd_vgg16 (`ssd_vgg_bn` of the old zoo).
        min_scale: box side of the first scale relative to the image, above 0 and below 0.9, for the
            300-pixel networks; None for their usual one (0.2; 0.15 in the paper variant).

    Returns:
        construct(images [B, 3, H, W] float32) -> (box_deltas [B, N, 4], class_logits [B, N, K]), raw.

    Raises:
        UserError: unknown name, variant or padding, fewer than 2 classes, or an option this network lacks.
    """
    options: dict[str, Any] = {}
    if backbone_norm:
        options["backbone_norm"] = True
    if min_scale is not None:
        options["min_scale"] = _checked_scale(min_scale)
    _check_options(name, options)
    return build_single_shot(
        MODELS, name, num_classes, variant=variant, padding=padding, seed=seed, **options
    )


def _check_options(name: str, options: dict[str, Any]) -> None:
    if name not in MODELS:
        return  # refused, with the nearest name, where the network is built
    for option in options:
        if option not in OPTIONS.get(name, ()):
            having = ", ".join(model for model, known in OPTIONS.items() if option in known)
            raise UserError(f"{name} has no option {option}, only {having}. Leave it away.")


def _checked_scale(min_scale: float) -> float:
    if not 0.02 <= min_scale < 0.9:
        raise UserError(f"min_scale={min_scale}: is not within 0.02-0.9. It is a share of the image's side.")
    return float(min_scale)
