"""Large pictures in overlapping tiles: where they lie, and whose boxes count.

A tile cuts objects at its borders. A box that touches an inner border is dropped where another tile holds all of it,
since that one sees the object whole. Where none does (the object is longer than the overlap), the box stays unless
the whole picture, or another tile, has found a box of its class that covers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ms_core.detection.boxes import box_areas, intersections
from ms_core.detection.detections import Detections
from ms_core.detection.nms import merge_detections
from ms_core.single_shot.config import PostprocessConfig

TOUCH = 0.01
"""A box ends at a border that is nearer than this part of the tile's side: predicted edges are not exact."""


@dataclass(frozen=True)
class Tile:
    """Part of a picture, in its pixels, and which boxes the tile shows whole."""

    x0: int
    y0: int
    x1: int
    y1: int
    bounds: tuple[float, float, float, float]
    """A box within these, exclusive, is not cut: x0 y0 x1 y1; infinite where the picture itself ends."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return self.x1 - self.x0, self.y1 - self.y0

    def of(self, image: np.ndarray) -> np.ndarray:
        """This part of a picture [h, w, 3]."""
        return image[self.y0 : self.y1, self.x0 : self.x1]

    def shows_whole(self, boxes: np.ndarray) -> np.ndarray:
        """Which boxes [n, 4] xyxy of the picture lie in this tile and are not cut by its borders: bool [n]."""
        x0, y0, x1, y1 = self.bounds
        return (boxes[:, 0] > x0) & (boxes[:, 1] > y0) & (boxes[:, 2] < x1) & (boxes[:, 3] < y1)


def tiles_of(width: int, height: int, side: int, overlap: float) -> list[Tile]:
    """The whole picture, then tiles row by row; the whole alone where it is no larger than a tile.

    Args:
        width, height: of the picture, pixels.
        side: of a tile, pixels; 0: no tiles. A picture narrower than that is cut along its length only.
        overlap: least part of its side that a tile shares with the next, 0 to below 1.
    """
    tiles = [_tile((0, 0), (width, height), (width, height))]
    if side and max(width, height) > side:
        corners = [(x, y) for y in _starts(height, side, overlap) for x in _starts(width, side, overlap)]
        tiles.extend(
            _tile((x, y), (min(x + side, width), min(y + side, height)), (width, height)) for x, y in corners
        )
    return tiles


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """Where tiles begin along one side, evenly spread, the last one ending with the picture."""
    if length <= side:
        return [0]
    count = ceil((length - side) / max(side * (1 - overlap), 1)) + 1
    return [round(index * (length - side) / (count - 1)) for index in range(count)]


def _tile(low: tuple[int, int], high: tuple[int, int], picture: tuple[int, int]) -> Tile:
    margins = [TOUCH * (h - l) for l, h in zip(low, high, strict=True)]  # noqa: E741
    begin = (l + m if l > 0 else -np.inf for l, m in zip(low, margins, strict=True))  # noqa: E741
    end = (h - m if h < side else np.inf for h, m, side in zip(high, margins, picture, strict=True))
    return Tile(*low, *high, (*begin, *end))  # type: ignore[arg-type]


def worth_keeping(boxes: np.ndarray, tile: Tile, tiles: Sequence[Tile]) -> np.ndarray:
    """Which boxes found in `tile` count: whole ones, and those that no other tile sees whole.

    Args:
        boxes: [n, 4] xyxy, pixels of the picture.
        tile: one of `tiles`.
        tiles: of the picture, the whole one first; that one does not count as "other": it shows less detail.

    Returns:
        bool [n].
    """
    kept = tile.shows_whole(boxes)
    cut = np.flatnonzero(~kept)
    if len(cut):
        elsewhere = np.zeros(len(cut), bool)
        for other in tiles[1:]:
            elsewhere |= other.shows_whole(boxes[cut])
        kept[cut] = ~elsewhere
    return kept


def merge_tiles(
    found: Sequence[Detections], tiles: Sequence[Tile], postprocess: PostprocessConfig
) -> Detections:
    """Detections of every tile, in pixels of the picture, as one: a last suppression over all of them."""
    if len(found) == 1:
        return found[0]
    cut = [~tile.shows_whole(detections.boxes) for detections, tile in zip(found, tiles, strict=True)]
    whole = _joined([d.select(~mask) for d, mask in zip(found, cut, strict=True)])
    pieces = _joined([d.select(mask) for d, mask in zip(found, cut, strict=True)])
    covered = _covered(pieces, whole, postprocess)
    return merge_detections(
        _joined([whole, pieces.select(~covered)]),
        iou_threshold=postprocess.nms_threshold,
        max_per_class=postprocess.max_per_class,
        max_detections=postprocess.max_detections,
        plus_one=postprocess.nms == "zoo",
        class_agnostic=postprocess.class_agnostic,
    )


def _covered(pieces: Detections, whole: Detections, postprocess: PostprocessConfig) -> np.ndarray:
    """Which cut boxes lie, by more than the NMS threshold of their area, in a whole one of their class: bool [n]."""
    covered = np.zeros(len(pieces), bool)
    for label in np.unique(pieces.labels):
        mine = np.flatnonzero(pieces.labels == label)
        others = whole.boxes if postprocess.class_agnostic else whole.boxes[whole.labels == label]
        shared = intersections(pieces.boxes[mine], others).max(axis=1, initial=0)
        covered[mine] = shared > postprocess.nms_threshold * box_areas(pieces.boxes[mine])
    return covered


def _joined(parts: Sequence[Detections]) -> Detections:
    return Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
