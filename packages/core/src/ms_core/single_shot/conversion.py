"""`convert`: weights of any supported file as a checkpoint of ours, or of ours as one of the old model zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NoReturn

from mindspore import nn

from ms_core.checkpoint.convert import write_filled
from ms_core.checkpoint.model_card import ModelCard, read_model_card
from ms_core.checkpoint.old_zoo import to_old_zoo
from ms_core.checkpoint.read import read_weights
from ms_core.data.classes import load_classes
from ms_core.errors import UserError
from ms_core.single_shot.config import ModelConfig
from ms_core.single_shot.package import DetectorPackage

Style = Literal["ours", "zoo"]

_OLD_KEYS = {"backbone_norm": "ssd_vgg_bn", "min_scale": "min_scale"}
"""Option of ours -> key in the old configuration."""


def convert_weights(
    package: DetectorPackage,
    source: Path,
    target: Path,
    *,
    to: Style = "ours",
    model: str | None = None,
    classes: str | None = None,
    min_scale: float | None = None,
    overwrite: bool = False,
) -> None:
    """Write the weights in `source` under our names or the old zoo's, and print what was covered.

    Args:
        to: "ours", or "zoo" for a file that the old code loads: names with `network.` and no metadata.
        model: network the weights are for; None where the file says it.
        classes: their number, the background included, or a file with their names, the background left out;
            None where the file says it.
        min_scale: `ModelConfig.min_scale` that the weights of an old file were trained with, which it does not say.

    Raises:
        UserError: unreadable file, weights that do not belong to `model` with that many classes, or weights
            that the old network cannot use.
    """
    weights = read_weights(source)
    card = read_model_card(weights)
    name = model or card.model or _unknown(source, "its network", "--model NAME")
    names = None if classes is None or classes.isdecimal() else load_classes(Path(classes)).names
    network = package.build_model(
        name,
        num_classes=_class_count(card, classes, names),
        variant=card.variant or "zoo",
        padding=package.padding_of(weights),
        **(package.options(ModelConfig(min_scale=min_scale)) | package.options_of(weights)),
    )
    if to == "zoo":
        _check_old_network(network, source)
    report = package.load_weights(network, weights)
    metadata = None if to == "zoo" else _metadata(network, names)
    rename = to_old_zoo if to == "zoo" else dict
    write_filled(network, report, weights, target, metadata, rename=rename, overwrite=overwrite)
    print(report.summary())
    if to == "zoo":
        for option, value in network.options.items():
            print(f"note: the old configuration must say {_OLD_KEYS[option]}: {value}")
    print(target)


def _class_count(card: ModelCard, classes: str | None, names: tuple[str, ...] | None) -> int:
    if classes is None:
        return card.num_classes or _unknown(card.path, "the number of its classes", "--classes NUMBER|FILE")
    count = int(classes) if names is None else len(names) + 1
    if count < 2:
        raise UserError(f"--classes {classes}: at least 2 are needed, the background is one of them.")
    return count


def _unknown(source: Path, what: str, option: str) -> NoReturn:
    raise UserError(f"{source}: this file does not say {what}. Pass {option}.")


def _metadata(network: nn.Cell, names: tuple[str, ...] | None) -> dict[str, Any]:
    return {
        "model": network.model_name,
        "variant": network.variant,
        "padding": network.padding,
        **network.options,
        "num_classes": network.num_classes,
        **({} if names is None else {"classes": list(names)}),
    }


def _check_old_network(network: nn.Cell, source: Path) -> None:
    """The old code has one variant and one padding; other weights would load there and compute nonsense."""
    if network.variants_differ and network.variant != "zoo":
        raise UserError(
            f"{source}: holds the {network.variant!r} variant of {network.model_name}, which the old zoo does not "
            "have. Train with --model.variant zoo for it."
        )
    if network.padding != "same":
        raise UserError(
            f"{source}: was trained with padding {network.padding!r}, the old zoo pads 'same'. Train with "
            "--model.padding same for it."
        )
