"""Filling a detector from a file, whoever wrote the file; shared by the packages of one-stage detectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from ms_core.checkpoint import LoadReport, WeightFile, WeightSource, load_into, read_model_card, read_weights
from ms_core.checkpoint.old_zoo import is_old_zoo
from ms_core.errors import UserError
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork


def load_detector_weights(
    network: SingleShotNetwork, path: Path | str | WeightFile, sources: Sequence[WeightSource]
) -> LoadReport:
    """Fill `network` from a checkpoint of ours or a file of one of `sources`.

    Args:
        network: from a package's `build_model`.
        path: .ckpt, .pth, .pt, .pkl, .safetensors or .npz; what it holds is recognised from the names inside.
            Or what `ms_core.checkpoint.read_weights` returned for it, so that it is read only once.
        sources: foreign and old files this network can be filled from.

    Returns:
        Report with the lists `matched`, `missing`, `unexpected`, `reshaped` and the `source`. What is not
        matched keeps its initial weights: from a backbone's file that is everything but the backbone.

    Raises:
        UserError: unreadable file, nothing in it fits, or its weights want another padding, variant or
            default boxes than the network has.
    """
    weights = path if isinstance(path, WeightFile) else read_weights(path)
    _check_variant(network, weights)
    _check_boxes(network, weights)
    _check_padding(network, weights, sources)
    return load_into(network, weights, sources)


def padding_of_weights(path: Path | str | WeightFile, sources: Iterable[WeightSource]) -> Padding:
    """Padding that the weights in a file were trained with; "same" where the file does not say.

    Of a checkpoint of ours only the metadata is read; other files are recognised from the names inside.

    Raises:
        UserError: unreadable file, or a padding nobody knows.
    """
    card = read_model_card(path)
    if card.padding is not None:
        return _known_padding(card.padding, card.path)
    weights = path if isinstance(path, WeightFile) else read_weights(path)
    return _padding_by_names(weights, sources) or "same"


def _check_variant(network: SingleShotNetwork, weights: WeightFile) -> None:
    """Two variants share some names and shapes: partly filled, a network would look like a bad one."""
    stated = read_model_card(weights).variant or ("zoo" if is_old_zoo(weights.arrays) else None)
    if network.variants_differ and stated not in (None, network.variant):
        raise UserError(
            f"{weights.path}: holds the {stated!r} variant of a network, this {network.model_name} is its "
            f"{network.variant!r} variant. Build it with variant={stated!r} (option --model.variant {stated})."
        )


def _check_boxes(network: SingleShotNetwork, weights: WeightFile) -> None:
    """Trained predictions are corrections to the default boxes they were trained with."""
    card = read_model_card(weights)
    built = network.options.get("min_scale")
    if card.model == network.model_name and card.min_scale != built:
        wanted = "null" if card.min_scale is None else card.min_scale
        raise UserError(
            f"{weights.path}: these weights were trained with min_scale {wanted}, the network is built with "
            f"{'null' if built is None else built}. Build it with the same (option --model.min-scale {wanted})."
        )


def _check_padding(network: SingleShotNetwork, weights: WeightFile, sources: Sequence[WeightSource]) -> None:
    card = read_model_card(weights)
    named = card.padding and _known_padding(card.padding, card.path)
    stated = named or _padding_by_names(weights, sources)
    if stated not in (None, network.padding):
        raise UserError(
            f"{weights.path}: these weights were trained with padding {stated!r}, the network is built with "
            f"{network.padding!r}. Build it with padding={stated!r} (option --model.padding {stated})."
        )


def _padding_by_names(weights: WeightFile, sources: Iterable[WeightSource]) -> Padding | None:
    """From whose names the file uses, where that tells."""
    padding = next((source.padding for source in sources if source.recognises(weights.arrays)), None)
    return None if padding is None else _known_padding(padding, weights.path)


def _known_padding(padding: str, path: Path) -> Padding:
    for known in get_args(Padding):
        if padding == known:
            return known
    raise UserError(f"{path}: padding {padding!r} is not known. Choose from {', '.join(get_args(Padding))}.")
