"""Filling a network of this package from a file, whoever wrote the file."""

from pathlib import Path
from typing import Any

from ms_core.checkpoint import LoadReport, WeightFile, read_model_card, read_weights
from ms_core.errors import UserError
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.single_shot.weights import load_detector_weights, padding_of_weights

from ms_ssd.zoo import SOURCES, is_torchvision_vgg16_bn


def load_weights(network: SingleShotNetwork, path: Path | str | WeightFile) -> LoadReport:
    """Fill `network` from a checkpoint of ours, of the old zoo, or a backbone's file.

    See `ms_core.single_shot.weights.load_detector_weights` for arguments, report and errors.
    """
    weights = path if isinstance(path, WeightFile) else read_weights(path)
    if network.model_name == "ssd_vgg16":
        _check_norm(network, weights)
    return load_detector_weights(network, weights, SOURCES[network.model_name])


def padding_of(path: Path | str | WeightFile) -> Padding:
    """Padding that the weights in a file were trained with; "same" where the file does not say.

    Raises:
        UserError: unreadable file, or a padding nobody knows.
    """
    return padding_of_weights(path, (source for known in SOURCES.values() for source in known))


def options_of(weights: WeightFile) -> dict[str, Any]:
    """Options of `build_model` (beside variant and padding) for the network in a file, where not the usual ones.

    Default boxes are only known of checkpoints of ours.
    """
    options: dict[str, Any] = {}
    if _has_norm(weights):
        options["backbone_norm"] = True
    if (min_scale := read_model_card(weights).min_scale) is not None:
        options["min_scale"] = min_scale
    return options


_FIRST_CONVOLUTION = "backbone.b1.0.weight"
_FIRST_NORM = "backbone.b1.1.gamma"


def _has_norm(weights: WeightFile) -> bool | None:
    """Whether the VGG-16 in a detector's checkpoint has normalisations; None: there is none in it."""
    for prefix in ("", "network."):
        if prefix + _FIRST_CONVOLUTION in weights.arrays:
            return prefix + _FIRST_NORM in weights.arrays
    return None


def _check_norm(network: SingleShotNetwork, weights: WeightFile) -> None:
    """A trunk of the other kind shares some names with this one and would be filled in part.

    Of the classification files only torchvision's with normalisations is refused for a trunk without: behind
    such convolutions, values have another size. The old zoo allowed it for its own file, so that one may.
    """
    stated = True if is_torchvision_vgg16_bn(weights.arrays) else _has_norm(weights)
    built = bool(network.options.get("backbone_norm", False))
    if stated not in (None, built):
        raise UserError(
            f"{weights.path}: the VGG-16 in it has {'' if stated else 'no '}batch normalisations, the network has "
            f"{'some' if built else 'none'}. Build it with backbone_norm={stated} "
            f"(option --model.backbone-norm {str(stated).lower()})."
        )
