"""Which default boxes a detector was exported with, for programs that decode its raw outputs themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


def anchors_digest(anchors: np.ndarray, prior_scaling: Sequence[float]) -> str:
    """SHA-256, hexadecimal, of what raw outputs are decoded with; equal where all numbers are equal bit for bit.

    It is that of the anchors' bytes, row by row, followed by the bytes of the two scales, all as little-endian
    float32 without anything between or around them: 16 N + 8 bytes.

    Args:
        anchors: [N, 4] as (cy, cx, h, w), relative to the image: `network.anchors.xywh`.
        prior_scaling: scale of centre and size terms, two numbers: `network.prior_scaling`.
    """
    numbers = (np.asarray(anchors, "<f4"), np.asarray(prior_scaling, "<f4"))
    return hashlib.sha256(b"".join(array.tobytes() for array in numbers)).hexdigest()
