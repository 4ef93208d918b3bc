"""A weight file once it is known whose it is: its arrays under the names of a package's networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ms_core.checkpoint.sources import NATIVE, WeightSource
from ms_core.checkpoint.weight_file import WeightFile
from ms_core.errors import UserError


@dataclass(frozen=True, eq=False)
class NamedWeights(WeightFile):
    """A file whose arrays have the names and the layout of a package's networks; from `named_weights`."""

    original: WeightFile = field(kw_only=True)
    """The file as it was read."""
    source: WeightSource = field(kw_only=True)
    """Whose names it has there."""


def named_weights(weights: WeightFile, sources: Sequence[WeightSource]) -> NamedWeights:
    """The same file with the names and the layout of a package's networks.

    Translating takes a while, so do it once where a file is asked several things: whoever gets what this function
    returned does not translate again.

    Args:
        weights: as read, or what this function returned.
        sources: whose files the package knows; a file of none of them has the package's own names.

    Raises:
        UserError: two arrays of the file stand for one parameter.
    """
    if isinstance(weights, NamedWeights):
        return weights
    source = next((source for source in sources if source.recognises(weights.arrays)), NATIVE)
    try:
        arrays = source.translate(weights.arrays)
    except UserError as error:  # translations know names, not files
        raise UserError(f"{weights.path}: {error}") from error
    return NamedWeights(**{**vars(weights), "arrays": arrays}, source=source, original=weights)
