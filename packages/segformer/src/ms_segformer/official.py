"""The authors' PyTorch files: whole segmentation networks and ImageNet encoders."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.names import Rule, batch_norm_to_mindspore, rename

BACKBONE = "backbone."
"""Beginning of the encoder's names, ours and those of whole official files."""

FIRST_CONVOLUTION = "patch_embed1.proj.weight"
"""An encoder's first parameter, as the authors call it."""

_FIRST_NORM = "patch_embed1.norm.weight"

_UNUSED = ("decode_head.conv_seg.", "head.")
"""Layers of the authors' files that no SegFormer computes with: a classifier that their framework gives every head, and
the one of ImageNet."""

_LAYER_NORMS = (
    Rule(r"(.*\bnorm\d?)\.weight", r"\1.gamma"),
    Rule(r"(.*\bnorm\d?)\.bias", r"\1.beta"),
)


def norms_to_mindspore(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Official names with torch's words for normalisations -> with MindSpore's; torch's batch counter is left out."""
    return rename(batch_norm_to_mindspore(arrays), _LAYER_NORMS)


def translate_official(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of a whole official file -> our names, without what nobody computes with."""
    return norms_to_mindspore(without_unused(arrays))


def translate_official_encoder(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of an official ImageNet file -> our names."""
    return {BACKBONE + name: array for name, array in translate_official(arrays).items()}


def without_unused(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All but the layers of official files that no SegFormer computes with."""
    return {name: array for name, array in arrays.items() if not name.startswith(_UNUSED)}


def _is_official(arrays: Mapping[str, np.ndarray]) -> bool:
    return {BACKBONE + FIRST_CONVOLUTION, BACKBONE + _FIRST_NORM} <= set(arrays)


def _is_official_encoder(arrays: Mapping[str, np.ndarray]) -> bool:
    return {FIRST_CONVOLUTION, _FIRST_NORM} <= set(arrays)


OFFICIAL = WeightSource("official SegFormer", _is_official, translate_official)
"""`segformer.b0.1024x1024.city.160k.pth` and its like. `decode_head.conv_seg.*` is unused."""

OFFICIAL_ENCODER = WeightSource(
    "official ImageNet encoder", _is_official_encoder, translate_official_encoder, covers=BACKBONE
)
"""`mit_b0.pth` and its like, for the encoder. `head.*` is unused."""
