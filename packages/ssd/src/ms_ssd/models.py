"""Every network of this package by name."""

from collections.abc import Callable
from typing import get_args

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.networks.initial import initialise
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork, Variant

from ms_ssd.ssd300 import SSD300

MODELS: dict[str, Callable[[int, Variant, Padding], SingleShotNetwork]] = {
    "ssd300": SSD300,
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
        variant: "zoo" follows the old model zoo and its checkpoints, "paper" the published architecture
            where the two differ. They are the same network for ssd300.
        padding: of the strided convolutions in the backbone: "same" for weights of the old zoo or trained
            from nothing, "torch" for weights from torchvision. `padding_of(path)` tells which a file needs.
        seed: the same seed gives the same initial weights.

    Returns:
        construct(images [B, 3, H, W] float32) -> (box_deltas [B, N, 4], class_logits [B, N, K]), raw.

    Raises:
        UserError: unknown name, variant or padding, or fewer than 2 classes.
    """
    _check_choice("model", name, MODELS)
    _check_choice("variant", variant, get_args(Variant))
    _check_choice("padding", padding, get_args(Padding))
    if num_classes < 2:
        raise UserError(f"num_classes={num_classes}: needs at least 2. Count the background as a class.")
    network = MODELS[name](num_classes, variant, padding)
    initialise(network, seed)
    return network


def _check_choice(what: str, value: str, choices: dict | tuple[str, ...]) -> None:
    if value in choices:
        return
    hint = did_you_mean(value, choices) or f" Choose one of: {', '.join(choices)}."
    raise UserError(f"unknown {what} {value!r}.{hint}")
