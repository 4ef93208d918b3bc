"""Filling a network of this package from a file, whoever wrote the file, and what a file tells of its network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ms_core.checkpoint import (
    NATIVE,
    LoadReport,
    WeightFile,
    WeightSource,
    load_into,
    read_model_card,
    read_weights,
)
from ms_core.checkpoint.named_weights import NamedWeights, named_weights
from ms_core.checkpoint.sources import has_averaged_weights
from ms_core.errors import UserError

from ms_segformer.hugging_face import HUGGING_FACE, HUGGING_FACE_ENCODER
from ms_segformer.models import MODELS
from ms_segformer.official import BACKBONE, FIRST_CONVOLUTION, OFFICIAL, OFFICIAL_ENCODER
from ms_segformer.old_zoo_names import OLD_ZOO, OLD_ZOO_ENCODER
from ms_segformer.segformer import SegFormer

_DECODER = "decode_head."
_CLASSIFIER = f"{_DECODER}linear_pred.weight"  # [classes, decoder width, 1, 1]
_BLOCK = re.compile(r"backbone\.block([1-4])\.(\d+)\.norm1\.gamma")


def _is_own_encoder(arrays: Mapping[str, np.ndarray]) -> bool:
    first = {BACKBONE + FIRST_CONVOLUTION, f"{BACKBONE}patch_embed1.norm.gamma"}
    return first <= set(arrays) and not any(name.startswith(_DECODER) for name in arrays)


OWN_ENCODER = WeightSource("own names, encoder", _is_own_encoder, NATIVE.translate, covers=BACKBONE)
"""What `convert` makes of a file that holds an encoder alone."""

SOURCES = (
    OWN_ENCODER,
    OFFICIAL,
    OFFICIAL_ENCODER,
    HUGGING_FACE,
    HUGGING_FACE_ENCODER,
    OLD_ZOO,
    OLD_ZOO_ENCODER,
)
"""Files a network can be filled from, beside its own checkpoints; no two of them recognise the same file."""


def load_weights(network: SegFormer, path: Path | str | WeightFile) -> LoadReport:
    """Fill `network` from a checkpoint of ours, of the authors, of Hugging Face or of the old zoo.

    Args:
        network: from `build_model`.
        path: .ckpt, .pth, .pt, .bin, .pkl, .safetensors or .npz; whose it is is recognised from the names inside. Or
            what `ms_core.checkpoint.read_weights` returned for it, so that it is read only once.

    Returns:
        Report with the lists `matched`, `missing`, `unexpected`, `reshaped` and the `source`. What is not matched
        keeps its initial weights: the decoder where the file holds an encoder alone, the classifier where it is for
        another number of classes.

    Raises:
        UserError: unreadable file, nothing in it fits, or it is for another model or another decoder width.
    """
    named = _named(path)
    _check_model(network, named)
    _check_decoder(network, named)
    if named.source is NATIVE:
        return load_into(network, named.original)
    return load_into(network, named.original, (replace(named.source, translate=lambda _: named.arrays),))


def load_encoder(network: SegFormer, path: Path | str | WeightFile) -> LoadReport:
    """As `load_weights`, but of a whole network only the encoder is taken, however wide its decoder is.

    Raises:
        UserError: unreadable file, no encoder in it, or one of another model.
    """
    named = _named(path)
    _check_model(network, named)
    encoder = {name: array for name, array in named.arrays.items() if name.startswith(BACKBONE)}
    held = len(named.original.arrays)
    if not encoder:
        raise UserError(
            f"{named.path}: holds no encoder of SegFormer among its {held} arrays. Give a file with one of "
            f"{network.model_name}."
        )
    source = WeightSource(named.source.name, lambda _: True, lambda _: encoder, covers=BACKBONE)
    report = load_into(network, WeightFile(encoder, named.metadata, named.format, named.path), (source,))
    averaged = named.source is NATIVE and has_averaged_weights(named.original.arrays)
    return replace(report, file_arrays=held, averaged=averaged)


def _named(path: Path | str | WeightFile) -> NamedWeights:
    return in_our_names(path if isinstance(path, WeightFile) else read_weights(path))


def in_our_names(weights: WeightFile) -> NamedWeights:
    """The same file with the names and the layout of this package's networks; see `named_weights`.

    Raises:
        UserError: two arrays of the file stand for one parameter.
    """
    return named_weights(weights, SOURCES)


def model_of(weights: WeightFile) -> str | None:
    """Which model a file is for, by the sizes of its encoder, else by what it says; None where neither tells."""
    return _model_by_sizes(in_our_names(weights).arrays) or read_model_card(weights).model


def decoder_width_of(weights: WeightFile) -> int | None:
    """Channels of the decoder in a file; None where it holds an encoder alone.

    Raises:
        UserError: the file says another width than its arrays have.
    """
    stated, array = read_model_card(weights).decoder_width, in_our_names(weights).arrays.get(_CLASSIFIER)
    found = array.shape[1] if array is not None and array.ndim == 4 else None
    if None not in (stated, found) and stated != found:
        raise UserError(
            f"{weights.path}: metadata decoder_width: says {stated}, the arrays have {found}. The file was damaged or "
            "edited; get it again."
        )
    return found or stated


def num_classes_of(weights: WeightFile) -> int | None:
    """Number of classes a file was trained for; None where it holds an encoder alone."""
    array = in_our_names(weights).arrays.get(_CLASSIFIER)
    return array.shape[0] if array is not None and array.ndim == 4 else read_model_card(weights).num_classes


def classes_of(weights: WeightFile) -> tuple[str, ...] | None:
    """Names of the classes a file was trained for, where it states one for each of them."""
    names = read_model_card(weights).classes or weights.classes.names
    return names if names and num_classes_of(weights) in (None, len(names)) else None


def palette_of(weights: WeightFile) -> tuple[tuple[int, int, int], ...] | None:
    """Colours of `classes_of`, RGB 0-255, where the file states them."""
    return (
        (read_model_card(weights).palette or weights.classes.palette or None) if classes_of(weights) else None
    )


def model_metadata(
    network: SegFormer, classes: Sequence[str] | None = None, palette: Sequence[Sequence[int]] | None = None
) -> dict[str, Any]:
    """What a checkpoint says of its network, so that nobody has to remember it.

    Args:
        network: whose weights it holds.
        classes: names in label order, as many as the network has; None: unknown.
        palette: RGB 0-255 of each of them.
    """
    return {
        "model": network.model_name,
        "decoder_width": network.decoder_width,
        "num_classes": network.num_classes,
        "background": False,
        **({"classes": list(classes)} if classes is not None else {}),
        **(
            {"palette": [[int(part) for part in colour] for colour in palette]} if palette is not None else {}
        ),
    }


def _model_by_sizes(arrays: Mapping[str, np.ndarray]) -> str | None:
    """The model whose stages have the widths and depths of an encoder under our names."""
    embeddings = [arrays.get(f"{BACKBONE}patch_embed{stage}.proj.bias") for stage in (1, 2, 3, 4)]
    widths = tuple(len(bias) for bias in embeddings if bias is not None and bias.ndim == 1)
    depths = [0, 0, 0, 0]
    for match in filter(None, map(_BLOCK.fullmatch, arrays)):
        stage = int(match[1]) - 1
        depths[stage] = max(depths[stage], int(match[2]) + 1)
    sizes = (widths, tuple(depths))
    known = ((name, builder.keywords) for name, builder in MODELS.items())
    return next((name for name, built in known if (built["widths"], built["depths"]) == sizes), None)


def _check_model(network: SegFormer, weights: WeightFile) -> None:
    """Networks of several sizes share names and shapes: filled in part, one would look like a bad one."""
    stated = _model_by_sizes(weights.arrays)
    if stated not in (None, network.model_name):
        raise UserError(
            f"{weights.path}: holds weights of {stated}, the network is {network.model_name}. Build that one (option "
            f"--model.name {stated}), or give a file of {network.model_name}."
        )


def _check_decoder(network: SegFormer, weights: WeightFile) -> None:
    width = decoder_width_of(weights)
    if width not in (None, network.decoder_width):
        raise UserError(
            f"{weights.path}: its decoder has {width} channels, the network's {network.decoder_width}. Build it with "
            f"decoder_width={width} (option --model.decoder-width {width})."
        )
