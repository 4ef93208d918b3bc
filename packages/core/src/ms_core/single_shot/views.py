"""Pictures in, detections out, whatever computes the network: resizing, tiles, mirroring, batches, suppression.

Nothing here imports MindSpore, so that an exported model can be run in the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from ms_core.data.images import decode_image, read_image
from ms_core.data.sample import EncodedReader, Sample, read_file
from ms_core.detection.boxes import relative_to_pixels
from ms_core.detection.detections import Detections
from ms_core.detection.nms import multiclass_nms
from ms_core.read_ahead import read_ahead, thread_count
from ms_core.single_shot.config import InferenceConfig, PostprocessConfig
from ms_core.single_shot.flips import mirror_boxes, mirror_pixels
from ms_core.single_shot.pipeline import network_input
from ms_core.single_shot.tiles import Tile, merge_tiles, tiles_of, worth_keeping

Source = TypeVar("Source", Path, Sample)
Forward = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Images [B, 3, H, W] -> boxes [B, N, 4] y0 x0 y1 x1 relative and clipped, scores [B, N, K], background first."""


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """One picture as the network takes it, with what is needed to undo the resize."""

    pixels: np.ndarray
    """The whole picture as a row of a batch: [3, H, W] float32, normalised, or what an exported model takes."""
    width: int
    """Original width, pixels."""
    height: int
    """Original height, pixels."""
    original: np.ndarray | None = None
    """uint8 [height, width, 3] RGB, kept only to cut tiles from."""


@dataclass(frozen=True, eq=False)
class _View:
    """One look of the network: at the whole picture or a tile, mirrored or not."""

    image: PreparedImage
    tiles: list[Tile]
    place: int
    """Of the tile looked at."""
    mirrored: bool

    @property
    def tile(self) -> Tile:
        return self.tiles[self.place]

    def pixels(self, detector: PictureDetector) -> np.ndarray:
        """A row of a batch; tiles are cut when their turn comes, which bounds memory."""
        pixels = self.image.pixels
        if self.place and self.image.original is not None:
            pixels = detector.to_input(self.tile.of(self.image.original))
        return detector.mirrored_input(pixels) if self.mirrored else pixels


class PictureDetector:
    """Detections from a function that computes the network for a batch.

    A batch has a fixed size, so that a graph is compiled once; a shorter one is filled up and the filling dropped.

    Args:
        forward: the network with decoding.
        input_size: (height, width) that it takes, pixels.
        postprocess: from its outputs to detections.
        batch_size: images a call; views of several pictures share one.
        inference: tiles and mirroring; None: the whole picture, once.
    """

    def __init__(
        self,
        forward: Forward,
        input_size: tuple[int, int],
        postprocess: PostprocessConfig,
        batch_size: int = 1,
        inference: InferenceConfig | None = None,
    ) -> None:
        self.forward = forward
        self.input_size = input_size
        self.postprocess = postprocess
        self.batch_size = batch_size
        self.looks = inference or InferenceConfig()

    def prepare(self, image: np.ndarray) -> PreparedImage:
        """[h, w, 3] uint8 RGB -> what `detect` takes."""
        height, width = image.shape[:2]
        tiled = self.looks.tile and max(width, height) > self.looks.tile
        return PreparedImage(self.to_input(image), width, height, image if tiled else None)

    def to_input(self, image: np.ndarray) -> np.ndarray:
        """[h, w, 3] uint8 RGB -> a row of a batch, [3, H, W] float32, normalised."""
        return network_input(image, self.input_size)

    def mirrored_input(self, row: np.ndarray) -> np.ndarray:
        """A row of a batch left to right."""
        return mirror_pixels(row)

    def detect(self, images: Sequence[PreparedImage]) -> list[Detections]:
        """Detections of prepared pictures, boxes in original pixels."""
        return list(self.stream(images))

    def __call__(self, image: np.ndarray) -> Detections:
        """Detections in one [h, w, 3] uint8 RGB picture."""
        return self.detect([self.prepare(image)])[0]

    def stream(self, images: Iterable[PreparedImage]) -> Iterator[Detections]:
        """Detections of any number of prepared pictures, in order; holds one batch and one picture's boxes."""
        raw: list[tuple[np.ndarray, np.ndarray]] = []
        found: list[Detections] = []
        for view, boxes, scores in self._outputs(view for image in images for view in self._views(image)):
            raw.append((mirror_boxes(boxes) if view.mirrored else boxes, scores))
            if len(raw) <= self.looks.flip:
                continue  # the mirrored look at the same tile is next
            found.append(self._found_in(view, raw))
            raw = []
            if len(found) == len(view.tiles):
                yield merge_tiles(found, view.tiles, self.postprocess)
                found = []

    def _views(self, image: PreparedImage) -> Iterator[_View]:
        tiles = tiles_of(image.width, image.height, self.looks.tile, self.looks.tile_overlap)
        for place in range(len(tiles)):
            for mirrored in (False, True) if self.looks.flip else (False,):
                yield _View(image, tiles, place, mirrored)

    def _outputs(self, views: Iterator[_View]) -> Iterator[tuple[_View, np.ndarray, np.ndarray]]:
        """Boxes [N, 4] and scores [N, K] of every view."""
        while batch := list(islice(views, self.batch_size)):
            first = batch[0].image.pixels
            pixels = np.zeros((self.batch_size, *first.shape), first.dtype)
            for row, view in enumerate(batch):
                pixels[row] = view.pixels(self)
            boxes, scores = self.forward(pixels)
            yield from zip(batch, boxes[: len(batch)], scores[: len(batch)], strict=True)

    def select(self, boxes: np.ndarray, scores: np.ndarray, width: int, height: int) -> Detections:
        """Outputs of one picture to detections in its pixels.

        Args:
            boxes: [N, 4] (y0, x0, y1, x1), relative.
            scores: [N, K], the background in column 0.
            width, height: of the picture, pixels.
        """
        return self._suppress(
            relative_to_pixels(boxes, width, height), scores, self.postprocess.max_detections
        )

    def _found_in(self, view: _View, raw: Sequence[tuple[np.ndarray, np.ndarray]]) -> Detections:
        """Outputs of the looks at one tile -> detections in pixels of the picture."""
        boxes, scores = raw[0] if len(raw) == 1 else (np.concatenate(part) for part in zip(*raw, strict=True))
        if len(view.tiles) == 1:
            return self.select(boxes, scores, *view.tile.size)
        boxes = relative_to_pixels(boxes, *view.tile.size)
        boxes += np.array([view.tile.x0, view.tile.y0] * 2, np.float32)
        kept = worth_keeping(boxes, view.tile, view.tiles)
        return self._suppress(boxes[kept], scores[kept], None)  # the bound of the picture is for all tiles

    def _suppress(self, boxes: np.ndarray, scores: np.ndarray, most: int | None) -> Detections:
        return suppress(boxes, scores, self.postprocess, most)


def suppress(boxes: np.ndarray, scores: np.ndarray, rule: PostprocessConfig, most: int | None) -> Detections:
    """Select detections as `rule` says, but for the bound on their number.

    Args:
        boxes: float32 [N, 4] x0 y0 x1 y1, pixels.
        scores: float32 [N, K], the background in column 0.
        rule: thresholds.
        most: detections at most; None: no such bound.
    """
    return multiclass_nms(
        boxes,
        scores,
        background=True,
        min_score=rule.min_score,
        iou_threshold=rule.nms_threshold,
        max_per_class=rule.max_per_class,
        max_detections=most,
        plus_one=rule.nms == "zoo",
        class_agnostic=rule.class_agnostic,
    )


def detect_all(
    detector: PictureDetector,
    sources: Iterable[Source],
    *,
    workers: int = 2,
    encoded: EncodedReader = read_file,
) -> Iterator[tuple[Source, Detections]]:
    """Detections of every picture, in order; pictures are read on threads, and nothing is kept.

    Args:
        workers: threads that read; more than the machine has cores are not started.
        encoded: where the pictures of samples come from, such as the cache of a data set.
    """

    def prepare(source: Source) -> tuple[Source, PreparedImage]:
        if isinstance(source, Sample):
            size = (source.width, source.height)
            return source, detector.prepare(decode_image(encoded(source), source.path, size))
        return source, detector.prepare(read_image(source))

    waiting: deque[Source] = deque()

    def images() -> Iterator[PreparedImage]:
        # Pictures that are cut into tiles wait in full size, so few of them.
        ahead = 2 if detector.looks.tile else 2 * detector.batch_size
        for source, image in read_ahead(sources, prepare, workers=thread_count(workers), ahead=ahead):
            waiting.append(source)
            yield image

    for detections in detector.stream(images()):
        yield waiting.popleft(), detections
