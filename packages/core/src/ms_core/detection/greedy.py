"""The greedy rule of non-maximum suppression: of boxes in order, keep each that no kept one overlaps too much."""

from dataclasses import dataclass

import numpy as np

from ms_core.detection.boxes import box_iou

_CHUNK = 128
"""Boxes whose mutual overlaps are computed at once."""
_LONGEST_BLOCK = 8192
"""Boxes compared with the kept ones at once."""
_MOST_PAIRS = 1 << 20
"""Pairs of such a comparison, which bounds memory where thousands are kept."""


@dataclass(frozen=True)
class OverlapRule:
    """When a better box drops another."""

    iou_threshold: float
    """A box survives up to and including this overlap, 0-1."""
    plus_one: bool = False
    """Measure boxes in whole pixels (x1 - x0 + 1), as the old zoo does."""

    def clear(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Which pairs may both stay: boxes [n, 4] and [m, 4] -> bool [n, m]."""
        return box_iou(first, second, self.plus_one) <= self.iou_threshold


def greedy(boxes: np.ndarray, rule: OverlapRule, most: int) -> np.ndarray:
    """Positions of the boxes that survive, exactly as one by one, at most `most`.

    Blocks double in length, so that boxes which all overlap are soon through; within a block what is left goes
    through in chunks, which bounds memory.

    Args:
        boxes: float32 [n, 4] xyxy, best first; quick in column order (`np.asfortranarray`).
        rule: which overlaps are too much.
        most: number at which to stop.

    Returns:
        int [k], ascending.
    """
    if len(boxes) <= _CHUNK:  # the usual class: a few dozen boxes
        return _survivors(boxes, rule)[:most]
    kept = np.zeros(0, np.intp)
    start, length = 0, _CHUNK
    while start < len(boxes) and len(kept) < most:
        block = start + _clear_of(boxes[start : start + length], boxes[kept], rule)
        start, length = start + length, _next_length(length, len(kept))
        kept = _extended(boxes, kept, block, rule, most)
    return kept[:most]


def _next_length(length: int, kept: int) -> int:
    return max(_CHUNK, min(2 * length, _LONGEST_BLOCK, _MOST_PAIRS // max(kept, 1)))


def _extended(
    boxes: np.ndarray, kept: np.ndarray, block: np.ndarray, rule: OverlapRule, most: int
) -> np.ndarray:
    """`kept` and what survives of `block`, positions that `kept` leaves alone."""
    known = len(kept)
    for first in range(0, len(block), _CHUNK):
        chunk = block[first : first + _CHUNK]
        chunk = chunk[_clear_of(boxes[chunk], boxes[kept[known:]], rule)]
        kept = np.concatenate((kept, chunk[_survivors(boxes[chunk], rule)]))
        if len(kept) >= most:
            break
    return kept


def _clear_of(boxes: np.ndarray, kept: np.ndarray, rule: OverlapRule) -> np.ndarray:
    """Positions of the boxes [n, 4] that none of the kept ones [m, 4] drops."""
    if not len(kept):
        return np.arange(len(boxes))
    return np.flatnonzero(rule.clear(kept, boxes).all(axis=0))


def _survivors(boxes: np.ndarray, rule: OverlapRule) -> np.ndarray:
    """Positions of at most `_CHUNK` boxes that survive one another.

    A row of the matrix of overlaps becomes one integer with a bit for each box: what is alive is then found
    without a call of NumPy for every box.
    """
    packed = np.packbits(rule.clear(boxes, boxes), axis=1, bitorder="little")
    rows, width = packed.tobytes(), packed.shape[1]
    kept, alive = [], (1 << len(boxes)) - 1
    while alive:
        best = (alive & -alive).bit_length() - 1
        kept.append(best)
        clear = int.from_bytes(rows[best * width : (best + 1) * width], "little")
        alive &= clear & ~(1 << best)
    return np.array(kept, np.intp)
