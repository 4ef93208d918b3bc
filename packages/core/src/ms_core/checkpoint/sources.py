"""Where weights come from: how to recognise a file's names and how to translate them into ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ms_core.checkpoint.weight_file import EMA_PREFIX, TRAINING_PREFIX

Arrays = Mapping[str, np.ndarray]

Prefixes = str | tuple[str, ...]
"""One beginning of parameter names, or several."""


@dataclass(frozen=True)
class WeightSource:
    """A family of weight files that share their names, such as torchvision's MobileNetV2."""

    name: str
    """For the report."""
    recognises: Callable[[Arrays], bool]
    """Whether a file with these arrays is one of the family."""
    translate: Callable[[Arrays], dict[str, np.ndarray]]
    """Arrays under our parameter names, in MindSpore's layout; what has no place may be left out."""
    padding: str | None = None
    """How the convolutions padded when the weights were trained ("same", "torch"), where that is known."""
    covers: Prefixes = ""
    """Prefix or prefixes of the parameters it fills ("backbone."); "" for the whole network."""


def has_averaged_weights(arrays: Arrays) -> bool:
    """Whether the training state in a checkpoint of ours keeps averaged weights."""
    return any(name.startswith(EMA_PREFIX) for name in arrays)


def _own_weights(arrays: Arrays) -> dict[str, np.ndarray]:
    """Network weights without the training state; averaged ones replace those of the last step."""
    own = {name: array for name, array in arrays.items() if not name.startswith(TRAINING_PREFIX)}
    averaged = {
        name.removeprefix(EMA_PREFIX): array for name, array in arrays.items() if name.startswith(EMA_PREFIX)
    }
    return own | averaged


NATIVE = WeightSource("own names", lambda arrays: True, _own_weights)
"""Files whose names are the network's parameter names: our own checkpoints."""
