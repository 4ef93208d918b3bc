"""Checkpoints of the old MindSpore model zoo's SegFormer: their names, both ways.

Of the encoder it is known that the old names are ours but for the convolution of a patch embedding, which is `conv`
there. Nobody wrote down the decoder's. The size of the one checkpoint that the old guide lists, 176,884,411 bytes for
b1, fits the official names, no `network.` before them and two moments of every parameter, with 244 bytes left for the
counters; so these are written. Read is whatever has the authors' words for the decoder's layers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ms_core.checkpoint import WeightSource
from ms_core.checkpoint.names import Rule, rename

from ms_segformer.official import BACKBONE, without_unused

_NETWORK = "network."
_FIRST = "patch_embed1.conv.weight"

_STATE = ("adam_m.", "adam_v.", "moment1.", "moment2.", "moments.")
"""Beginnings of the optimiser's averages, one or two for every parameter."""

_COUNTERS = frozenset(
    (
        *("global_step", "learning_rate", "momentum", "beta1_power", "beta2_power", "scale_sense"),
        *("current_iterator_step", "last_overflow_iterator_step", "epoch_num", "step_num"),
    )
)
"""Single numbers of optimiser and loss scaling."""

_HEAD = r"(?:\w+\.)?"
_DECODER = (
    Rule(rf"{_HEAD}linear_c([1-4])\.(?:\w+\.)?(weight|bias)", r"decode_head.linear_c\1.proj.\2"),
    Rule(rf"{_HEAD}linear_fuse\.(?:\w+\.)?weight", "decode_head.linear_fuse.conv.weight"),
    Rule(
        rf"{_HEAD}linear_fuse\.(?:\w+\.)?(gamma|beta|moving_mean|moving_variance)",
        r"decode_head.linear_fuse.bn.\1",
    ),
    Rule(rf"{_HEAD}linear_pred\.(?:\w+\.)?(weight|bias)", r"decode_head.linear_pred.\1"),
)
_TO_OURS = (Rule(r"(backbone\.patch_embed[1-4])\.conv\.(.*)", r"\1.proj.\2"), *_DECODER)
_TO_OLD = (Rule(r"(backbone\.patch_embed[1-4])\.proj\.(.*)", r"\1.conv.\2"),)


def from_old_zoo(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights of an old checkpoint under our names, without the state of its training."""
    return rename(_weights(arrays), _TO_OURS)


def to_old_zoo(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights under our names -> the names the old code looks for; `from_old_zoo` turns them back."""
    return rename(arrays, _TO_OLD)


def _weights(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All but the state of the training, without `network.`; the encoder's names have `backbone.`."""
    state = (*_STATE, *(_NETWORK + beginning for beginning in _STATE))
    kept = {
        name.removeprefix(_NETWORK): array
        for name, array in arrays.items()
        if not name.startswith(state) and name not in _COUNTERS
    }
    if _FIRST in kept:  # an encoder alone, never loaded into a network
        return {BACKBONE + name: array for name, array in without_unused(kept).items()}
    return kept


def _is_old(arrays: Mapping[str, np.ndarray]) -> bool:
    return any(
        f"{network}{backbone}{_FIRST}" in arrays for network in (_NETWORK, "") for backbone in (BACKBONE, "")
    )


def _has_decoder(arrays: Mapping[str, np.ndarray]) -> bool:
    return any(not name.startswith(BACKBONE) for name in from_old_zoo(arrays))


OLD_ZOO = WeightSource("old model zoo", lambda arrays: _is_old(arrays) and _has_decoder(arrays), from_old_zoo)
"""Checkpoints of the old zoo's training; their optimiser's state is left out."""

OLD_ZOO_ENCODER = WeightSource(
    "old model zoo's encoder",
    lambda arrays: _is_old(arrays) and not _has_decoder(arrays),
    from_old_zoo,
    covers=BACKBONE,
)
"""What the old convert_model.py made of the authors' ImageNet files (`ms_pretrained_b0.ckpt`)."""
