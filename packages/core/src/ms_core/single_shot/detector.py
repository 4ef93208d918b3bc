"""Pictures in, detections out: the network with its pre- and post-processing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from mindspore import Tensor, nn

from ms_core.data.images import read_image
from ms_core.data.sample import Sample
from ms_core.detection.boxes import relative_to_pixels
from ms_core.detection.detections import Detections
from ms_core.detection.nms import multiclass_nms
from ms_core.networks.inference import InferenceModel
from ms_core.networks.mode import inference_mode
from ms_core.read_ahead import read_ahead
from ms_core.single_shot.config import PostprocessConfig
from ms_core.single_shot.pipeline import network_input

Source = TypeVar("Source", Path, Sample)


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """One picture as the network takes it, with what is needed to undo the resize."""

    pixels: np.ndarray
    """[3, H, W] float32, normalised."""
    width: int
    """Original width, pixels."""
    height: int
    """Original height, pixels."""


class Detector:
    """A trained one-stage detector.

    The graph is compiled once for a batch of fixed size; a shorter batch is filled up and the filling dropped.
    """

    def __init__(self, network: nn.Cell, postprocess: PostprocessConfig, batch_size: int = 1) -> None:
        """`network` carries `anchors`, `input_size` and `prior_scaling`; its mode is left as it is."""
        self.network = network
        self.inference = InferenceModel(network)
        self.postprocess = postprocess
        self.batch_size = batch_size

    def prepare(self, image: np.ndarray) -> PreparedImage:
        """[h, w, 3] uint8 RGB -> what `detect` takes."""
        height, width = image.shape[:2]
        return PreparedImage(network_input(image, self.network.input_size), width, height)

    def detect(self, images: Sequence[PreparedImage]) -> list[Detections]:
        """Detections of at most `batch_size` prepared pictures, boxes in original pixels."""
        batch = np.zeros((self.batch_size, *images[0].pixels.shape), np.float32)
        for row, image in enumerate(images):
            batch[row] = image.pixels
        if self.network.training:
            with inference_mode(self.inference):
                outputs = self.inference(Tensor(batch))
        else:
            outputs = self.inference(Tensor(batch))
        boxes, scores = (output.asnumpy() for output in outputs)
        return [self._select(boxes[row], scores[row], image) for row, image in enumerate(images)]

    def __call__(self, image: np.ndarray) -> Detections:
        """Detections in one [h, w, 3] uint8 RGB picture."""
        return self.detect([self.prepare(image)])[0]

    def _select(self, boxes: np.ndarray, scores: np.ndarray, image: PreparedImage) -> Detections:
        """boxes [N, 4] y0 x0 y1 x1 relative, scores [N, K] with the background first -> kept detections."""
        return multiclass_nms(
            relative_to_pixels(boxes, image.width, image.height),
            scores[:, 1:],
            min_score=self.postprocess.min_score,
            iou_threshold=self.postprocess.nms_threshold,
            max_per_class=self.postprocess.max_per_class,
            max_detections=self.postprocess.max_detections,
        )


def detect_all(
    detector: Detector, sources: Iterable[Source], *, workers: int = 2
) -> Iterator[tuple[Source, Detections]]:
    """Detections of every picture, in order; pictures are read on threads, and nothing is kept."""

    def prepare(source: Source) -> tuple[Source, PreparedImage]:
        if isinstance(source, Sample):
            return source, detector.prepare(read_image(source.path, (source.width, source.height)))
        return source, detector.prepare(read_image(source))

    prepared = read_ahead(sources, prepare, workers=workers, ahead=2 * detector.batch_size)
    while batch := list(islice(prepared, detector.batch_size)):
        found = detector.detect([image for _, image in batch])
        yield from zip((source for source, _ in batch), found, strict=True)
