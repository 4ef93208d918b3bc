"""Filling a network from a file, whoever wrote the file."""

from pathlib import Path
from typing import get_args

from ms_core.checkpoint import LoadReport, WeightFile, load_into, read_weights
from ms_core.errors import UserError
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork

from ms_ssd.zoo import SOURCES


def load_weights(network: SingleShotNetwork, path: Path | str) -> LoadReport:
    """Fill `network` from a checkpoint of ours, of the old zoo, or torchvision's MobileNetV2.

    Args:
        network: from `build_model`.
        path: .ckpt, .pth, .pt, .pkl, .safetensors or .npz; what it holds is recognised from the names inside.

    Returns:
        Report with the lists `matched`, `missing`, `unexpected`, `reshaped` and the `source`. What is not
        matched keeps its initial weights: from torchvision that is everything but the backbone.

    Raises:
        UserError: unreadable file, nothing in it fits, or its weights want another padding than the
            network has.
    """
    weights = read_weights(path)
    _check_padding(network, weights)
    return load_into(network, weights, SOURCES[network.model_name])


def padding_of(path: Path | str) -> Padding:
    """Padding that the weights in a file were trained with; "same" where the file does not say.

    Raises:
        UserError: unreadable file, or a padding nobody knows.
    """
    return _stated_padding(read_weights(path)) or "same"


def _check_padding(network: SingleShotNetwork, weights: WeightFile) -> None:
    stated = _stated_padding(weights)
    if stated not in (None, network.padding):
        raise UserError(
            f"{weights.path}: these weights were trained with padding {stated!r}, the network is built with "
            f"{network.padding!r}. Build it with padding={stated!r} (option --model.padding {stated})."
        )


def _stated_padding(weights: WeightFile) -> Padding | None:
    """From our metadata, else from whose names the file uses, else None."""
    sources = (source for known in SOURCES.values() for source in known)
    by_names = next((source.padding for source in sources if source.recognises(weights.arrays)), None)
    stated = weights.metadata.get("padding", by_names)
    if stated is None or stated in get_args(Padding):
        return stated
    raise UserError(
        f"{weights.path}: padding {stated!r} is not known. Choose from {', '.join(get_args(Padding))}."
    )
