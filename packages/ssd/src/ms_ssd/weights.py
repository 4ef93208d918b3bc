"""Filling a network from a file, whoever wrote the file."""

from pathlib import Path
from typing import get_args

from ms_core.checkpoint import LoadReport, WeightFile, load_into, read_model_card, read_weights
from ms_core.errors import UserError
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork

from ms_ssd.zoo import SOURCES


def load_weights(network: SingleShotNetwork, path: Path | str | WeightFile) -> LoadReport:
    """Fill `network` from a checkpoint of ours, of the old zoo, or torchvision's MobileNetV2.

    Args:
        network: from `build_model`.
        path: .ckpt, .pth, .pt, .pkl, .safetensors or .npz; what it holds is recognised from the names inside.
            Or what `ms_core.checkpoint.read_weights` returned for it, so that it is read only once.

    Returns:
        Report with the lists `matched`, `missing`, `unexpected`, `reshaped` and the `source`. What is not
        matched keeps its initial weights: from torchvision that is everything but the backbone.

    Raises:
        UserError: unreadable file, nothing in it fits, or its weights want another padding than the
            network has.
    """
    weights = path if isinstance(path, WeightFile) else read_weights(path)
    _check_padding(network, weights)
    return load_into(network, weights, SOURCES[network.model_name])


def padding_of(path: Path | str | WeightFile) -> Padding:
    """Padding that the weights in a file were trained with; "same" where the file does not say.

    Of a checkpoint of ours only the metadata is read; other files are recognised from the names inside.

    Raises:
        UserError: unreadable file, or a padding nobody knows.
    """
    card = read_model_card(path)
    if card.padding is not None:
        return _known_padding(card.padding, card.path)
    return _padding_by_names(path if isinstance(path, WeightFile) else read_weights(path)) or "same"


def _check_padding(network: SingleShotNetwork, weights: WeightFile) -> None:
    card = read_model_card(weights)
    stated = _padding_by_names(weights) if card.padding is None else _known_padding(card.padding, card.path)
    if stated not in (None, network.padding):
        raise UserError(
            f"{weights.path}: these weights were trained with padding {stated!r}, the network is built with "
            f"{network.padding!r}. Build it with padding={stated!r} (option --model.padding {stated})."
        )


def _padding_by_names(weights: WeightFile) -> Padding | None:
    """From whose names the file uses, where that tells."""
    sources = (source for known in SOURCES.values() for source in known)
    padding = next((source.padding for source in sources if source.recognises(weights.arrays)), None)
    return None if padding is None else _known_padding(padding, weights.path)


def _known_padding(padding: str, path: Path) -> Padding:
    for known in get_args(Padding):
        if padding == known:
            return known
    raise UserError(f"{path}: padding {padding!r} is not known. Choose from {', '.join(get_args(Padding))}.")
