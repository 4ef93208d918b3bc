"""Does an exported detector find what the network finds, where the order of detections is part of its outputs?

Runtimes round differently in the last bit. That may exchange detections whose scores are all but equal, or decide
between boxes whose overlap is all but the threshold. So rows are compared wherever they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ms_core.export.verify import TOLERANCE, Agreement, check_shapes

PIXELS = 1e-3
"""As `TOLERANCE`, for boxes in pixels."""
LOST = 1e-2
"""Largest share of rows without counterpart: rounding decides between overlaps that are all but the threshold."""


def detections_agree(box_tolerance: float = TOLERANCE) -> Agreement:
    """Comparison of boxes [B, D, 4], scores [B, D] and labels [B, D] of selected detections.

    Args:
        box_tolerance: `PIXELS` where boxes are in pixels.
    """
    return partial(_check_detections, box_tolerance)


def regions_agree(box_tolerance: float = PIXELS) -> Agreement:
    """Comparison of boxes [B, R, K, 4], scores [B, R, C] of regions and which are valid [B, R], 0 or 1."""
    return partial(_check_regions, box_tolerance)


def _check_detections(
    box_tolerance: float, path: Path, expected: Sequence[np.ndarray], found: Sequence[np.ndarray]
) -> float:
    check_shapes(path, expected, found)
    tolerance = np.array([box_tolerance] * 4 + [TOLERANCE, 0.5])
    ours, theirs = (
        [
            np.column_stack((boxes, scores, labels))[labels >= 0]
            for boxes, scores, labels in zip(*arrays, strict=True)
        ]
        for arrays in (expected, found)
    )
    if not any(map(len, ours)):
        print(
            "note: nothing was found in the picture that model and network were compared on; --picture with one of "
            "your pictures proves more"
        )
    return _check_rows(path, ours, theirs, tolerance)


def _check_regions(
    box_tolerance: float, path: Path, expected: Sequence[np.ndarray], found: Sequence[np.ndarray]
) -> float:
    check_shapes(path, expected, found)
    sides, columns = int(np.prod(expected[0].shape[2:])), expected[1].shape[2]
    tolerance = np.array([box_tolerance] * sides + [TOLERANCE] * columns)
    ours, theirs = (
        [
            np.column_stack((boxes.reshape(len(boxes), -1), scores))[valid > 0.5]
            for boxes, scores, valid in zip(*arrays, strict=True)
        ]
        for arrays in (expected, found)
    )
    return _check_rows(path, ours, theirs, tolerance)


def _check_rows(
    path: Path, expected: Sequence[np.ndarray], found: Sequence[np.ndarray], tolerance: np.ndarray
) -> float:
    """Largest absolute difference of rows that have a counterpart, over pictures.

    Raises:
        RuntimeError: more than `LOST` of the rows of a picture have none.
    """
    largest = 0.0
    for ours, theirs in zip(expected, found, strict=True):
        partner = _partners(ours, theirs, tolerance)
        lost = max(len(ours), len(theirs)) - int((partner >= 0).sum())
        if lost > LOST * max(len(ours), len(theirs)):
            raise RuntimeError(
                f"{path}: {lost} of {max(len(ours), len(theirs))} boxes that the exported model or the network finds "
                f"have no counterpart of the other (allowed {LOST:.0%})"
            )
        matched = ours[partner >= 0] - theirs[partner[partner >= 0]]
        largest = max(largest, float(np.abs(matched).max(initial=0)))
    return largest


def _partners(ours: np.ndarray, theirs: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """Which of `theirs` [m, c] each of `ours` [n, c] is, -1 for none, int [n]; most have the same place."""
    partner = np.full(len(ours), -1)
    both = min(len(ours), len(theirs))
    same = (np.abs(ours[:both] - theirs[:both]) <= tolerance).all(axis=1)
    partner[:both][same] = np.flatnonzero(same)
    free = np.ones(len(theirs), bool)
    free[partner[partner >= 0]] = False
    for row in np.flatnonzero(partner < 0):
        places = np.flatnonzero(free)
        fits = places[(np.abs(theirs[places] - ours[row]) <= tolerance).all(axis=1)]
        if len(fits):
            partner[row], free[fits[0]] = fits[0], False
    return partner
