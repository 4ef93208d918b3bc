"""Checkpoints of the old MindSpore model zoo's detectors: their names, both ways.

Our parameter names are the old ones without `network.`. Beside the weights an old file holds the state of its
optimiser (`moments.*`, `momentum`, `learning_rate`, `global_step`), which is no weight.
"""

from collections.abc import Mapping

import numpy as np

from ms_core.checkpoint.sources import WeightSource

_PREFIX = "network."
_HEAD = f"{_PREFIX}multi_box."


def is_old_zoo(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are names of a detector of the old zoo: all of them have a `network.multi_box`."""
    return any(name.startswith(_HEAD) for name in arrays)


def from_old_zoo(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights of an old checkpoint under our names; everything else in it is left out."""
    return {name.removeprefix(_PREFIX): array for name, array in arrays.items() if name.startswith(_PREFIX)}


def to_old_zoo(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Weights under our names -> the names the old code looks for; inverse of `from_old_zoo`."""
    return {f"{_PREFIX}{name}": array for name, array in arrays.items()}


OLD_ZOO = WeightSource("old model zoo", is_old_zoo, from_old_zoo, padding="same", covers="")
"""Checkpoints of the old MindSpore model zoo: every weight of a network under `network.`."""
