"""Classification weights of the old model zoo's MobileNetV1 in terms of our trunk."""

from collections.abc import Mapping

import numpy as np

from ms_core.checkpoint.names import prefix, rename

_LAST = ("network.26.0.weight", (1024, 1024, 1, 1))


def is_old_mobilenet_v1(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether these are the arrays of the old zoo's classification MobileNetV1 (`network.0.0.weight` ...)."""
    name, shape = _LAST
    return name in arrays and arrays[name].shape == shape and "network.0.1.gamma" in arrays


def translate_old_mobilenet_v1(arrays: Mapping[str, np.ndarray], trunk: str) -> dict[str, np.ndarray]:
    """Put `trunk` before the names of trunk weights; `fc.*` stays as it is."""
    return rename(arrays, (prefix("network.", trunk + "network."),))
