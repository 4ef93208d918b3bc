"""Regions of a picture in blocks of one size, so that one graph does for any number of them."""

from __future__ import annotations

import numpy as np

AT_ONCE = 100
"""Regions of a block."""
_NOWHERE = (0.0, 0.0, 1.0, 1.0)


def filled_up(boxes: np.ndarray) -> np.ndarray:
    """At most AT_ONCE boxes [n, 4] and as many fillers as it takes: float32 [AT_ONCE, 4]."""
    regions = np.tile(np.array(_NOWHERE, np.float32), (AT_ONCE, 1))
    regions[: len(boxes)] = boxes
    return regions
