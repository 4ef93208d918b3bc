"""Every network of this package by name."""

from collections.abc import Callable

from ms_core.networks.build import build_single_shot
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork, Variant

from ms_ssdlite_fpn.ssdlite_mobilenetv2_fpn import SSDLiteMobileNetV2FPN

MODELS: dict[str, Callable[[int, Variant, Padding], SingleShotNetwork]] = {
    "ssdlite_mobilenetv2_fpn": SSDLiteMobileNetV2FPN,
}
"""Name -> builder(num_classes, variant, padding)."""


def build_model(
    name: str,
    num_classes: int,
    *,
    variant: Variant = "zoo",
    padding: Padding = "same",
    seed: int = 1,
) -> SingleShotNetwork:
    """A network with initial weights.

    Args:
        name: one of `MODELS`.
        num_classes: K, background (class 0) included, so at least 2.
        variant: "zoo" follows the old model zoo and its checkpoints: its "lite" heads are dense 3x3
            convolutions. "paper" has the depthwise-separable heads of SSDLite (MobileNetV2 paper, section 6.2).
        padding: of the strided convolutions in the backbone: "same" for weights of the old zoo or trained
            from nothing, "torch" for weights from torchvision. `padding_of(path)` tells which a file needs.
        seed: the same seed gives the same initial weights.

    Returns:
        construct(images [B, 3, 320, 320] float32) -> (box_deltas [B, 12804, 4], class_logits [B, 12804, K]), raw.

    Raises:
        UserError: unknown name, variant or padding, or fewer than 2 classes.
    """
    return build_single_shot(MODELS, name, num_classes, variant=variant, padding=padding, seed=seed)
