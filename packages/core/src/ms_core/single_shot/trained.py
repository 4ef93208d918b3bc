"""A trained network, from a run folder or a checkpoint, with the classes it knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore import nn

from ms_core.checkpoint.load import require_complete
from ms_core.checkpoint.model_card import read_model_card
from ms_core.checkpoint.read import read_weights
from ms_core.checkpoint.weight_file import WeightFile
from ms_core.data.classes import load_classes
from ms_core.errors import UserError
from ms_core.run_target import checkpoint_of
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.package import DetectorPackage


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A network ready for inference."""

    network: nn.Cell
    name: str
    """Network, one of the package's models."""
    classes: tuple[str, ...]
    """Names of the classes, without the background."""
    category_ids: tuple[int, ...]
    """Category id of each class in the annotation files it was trained on."""
    checkpoint: Path


def load_trained(package: DetectorPackage, target: Path, config: SingleShotConfig) -> TrainedModel:
    """Build the network a checkpoint was made for and load it completely.

    What the checkpoint says of itself (network, variant, padding, classes) wins over `config`; a foreign file says
    nothing, so there `config` must name the classes.

    Raises:
        UserError: no such file, classes unknown, or the file does not fill the network.
    """
    weights = read_weights(checkpoint_of(target))
    card = read_model_card(weights)
    name = card.model or config.model.name
    if not name:
        raise UserError(f"{weights.path}: this file does not name its network. Pass --model.name.")
    classes = card.classes or _named_classes(config, weights.path)
    network = package.build_model(
        name,
        num_classes=len(classes) + 1,
        variant=card.variant or config.model.variant,
        padding=card.padding or stored_padding(config),
        **options_for(package, weights, config),
    )
    require_complete(package.load_weights(network, weights))
    network.set_train(False)
    ids = card.category_ids or tuple(range(1, len(classes) + 1))
    return TrainedModel(network, name, classes, ids, weights.path)


def options_for(package: DetectorPackage, weights: WeightFile, config: SingleShotConfig) -> dict[str, Any]:
    """Build options of the network in a file: a checkpoint of ours says all, of others `config` may know more.

    Raises:
        UserError: the configuration asks for other default boxes than the checkpoint was trained with.
    """
    asked, card = package.options(config.model), read_model_card(weights)
    if not card.model:
        return asked | package.options_of(weights)
    if "min_scale" in asked and asked["min_scale"] != card.min_scale:
        raise UserError(
            f"{weights.path}: was trained with min_scale {card.min_scale or 'as usual'}, model.min_scale says "
            f"{asked['min_scale']}. Leave it away, or convert the file again with --min-scale."
        )
    return package.options_of(weights)


def stored_padding(config: SingleShotConfig) -> str:
    """Padding of a file that does not say: what the configuration names, else the old zoo's."""
    return "same" if config.model.padding == "auto" else config.model.padding


def _named_classes(config: SingleShotConfig, checkpoint: Path) -> tuple[str, ...]:
    if config.data.classes is None:
        raise UserError(
            f"{checkpoint}: this file does not name its classes. Pass --data.classes FILE with one name a line."
        )
    return load_classes(config.data.classes).names
