"""From pictures on disk to batches for the network.

Training: decode, IoU crop, resize, flip, colour, normalise, encode (facts of the old pipeline: decode to RGB,
aspect ratio not kept). Evaluation shares decode, resize and normalise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ms_core.data.images import decode_image
from ms_core.data.network_input import resize_image
from ms_core.data.sample import DetectionDataset, EncodedReader, Sample, read_file
from ms_core.detection import augment
from ms_core.detection.anchors import Anchors
from ms_core.detection.boxes import pixels_to_relative
from ms_core.detection.matching import fill_targets
from ms_core.errors import UserError
from ms_core.single_shot.config import InputConfig
from ms_core.train.order import BatchOrder


@dataclass(frozen=True, eq=False)
class Target:
    """What a network tells the pipeline about its anchors."""

    anchors: Anchors
    input_size: tuple[int, int]
    """(height, width) of the network's input, pixels."""
    prior_scaling: tuple[float, float]
    """Variances of box centre and size."""


class TrainingBatches:
    """Batches as a pure function of the step: the same seed gives the same run, whole or resumed.

    Item `step` is (images [B, 3, H, W] float32, box targets [B, N, 4] float32, labels [B, N] int32, matched
    anchors [B] int32). Every random decision comes from (seed, epoch, position of the sample in the data set).
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        target: Target,
        config: InputConfig,
        order: BatchOrder,
        encoded: EncodedReader = read_file,
    ) -> None:
        self.samples = samples
        self.target = target
        self.config = config
        self.order = order
        self.steps_per_epoch = order.steps_per_epoch
        self.encoded = encoded

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        epoch, indices = self.order.epoch_of(step), self.order.indices(step)
        batch, anchors = len(indices), len(self.target.anchors)
        images = np.empty((batch, 3, *self.target.input_size), np.float32)
        boxes = np.zeros((batch, anchors, 4), np.float32)
        labels = np.zeros((batch, anchors), np.int32)
        matched = np.empty(batch, np.int32)
        for row, index in enumerate(indices):
            matched[row] = self._fill_row(epoch, int(index), images[row], boxes[row], labels[row])
        return images, boxes, labels, matched

    def names(self, step: int) -> list[str]:
        """Files of the batch of `step`, for messages."""
        return [str(self.samples[index].path) for index in self.order.indices(step)]

    def _fill_row(
        self, epoch: int, index: int, image: np.ndarray, boxes: np.ndarray, labels: np.ndarray
    ) -> int:
        """Read, augment and encode one sample into its row of the batch; returns its matched anchors."""
        rng = np.random.default_rng([self.order.seed, epoch, index])
        view = _random_view(self.samples[index], self.target.input_size, self.config, rng, self.encoded)
        augment.normalise(view.image, levels=view.levels, out=image)
        height, width = self.target.input_size
        return fill_targets(
            boxes,
            labels,
            pixels_to_relative(view.boxes, width, height),
            view.labels + 1,  # the data sets count classes from 0, the network has the background there
            self.target.anchors,
            threshold=self.config.match_threshold,
            variance=self.target.prior_scaling,
        )


@dataclass(frozen=True, eq=False)
class _View:
    """A picture as training shows it."""

    image: np.ndarray
    """uint8 [H, W, 3] RGB."""
    levels: np.ndarray | None
    """uint8 [256], what every value of the image has still to become; None: it is done."""
    boxes: np.ndarray
    """float32 [n, 4] x0 y0 x1 y1 in its pixels."""
    labels: np.ndarray
    """[n], from 0."""


def _random_view(
    sample: Sample,
    input_size: tuple[int, int],
    config: InputConfig,
    rng: np.random.Generator,
    encoded: EncodedReader,
) -> _View:
    """Crop, resize, flip and colour, in this order, whatever of it is switched on."""
    image = decode_image(encoded(sample), sample.path, (sample.width, sample.height))
    boxes, labels = sample.boxes, sample.labels
    if config.iou_crop and len(boxes):
        image, boxes, labels = augment.random_iou_crop(image, boxes, labels, rng)
    image, boxes = augment.resize(image, boxes, input_size)
    image, boxes = augment.horizontal_flip(image, boxes, rng, config.flip)
    levels = None
    if config.colour_jitter:
        image, levels = augment.jitter_with_levels(image, rng, config.colour_jitter)
    return _View(image, levels, boxes, labels)


def augmented(
    sample: Sample,
    input_size: tuple[int, int],
    config: InputConfig,
    rng: np.random.Generator,
    encoded: EncodedReader = read_file,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture a network sees in training, before normalisation.

    Returns:
        image [H, W, 3] uint8 RGB of `input_size`, boxes [n, 4] x0 y0 x1 y1 in its pixels, labels [n] from 0.
    """
    view = _random_view(sample, input_size, config, rng, encoded)
    image = view.image if view.levels is None else augment.apply_levels(view.image, view.levels)
    return image, view.boxes, view.labels


def training_samples(dataset: DetectionDataset, config: InputConfig) -> list[Sample]:
    """Samples worth training on: without crowd boxes and without empty images, unless asked for.

    Raises:
        UserError: nothing is left.
    """
    samples = dataset.samples if config.crowd_boxes else [s.select(~s.crowd) for s in dataset.samples]
    kept = [s for s in samples if config.empty_images or len(s.boxes)]
    if not kept:
        raise UserError(f"{dataset.source}: no image has a box to train on. See `data check`.")
    return kept


def network_input(image: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
    """[h, w, 3] uint8 RGB of any size -> [3, H, W] float32, resized (aspect ratio not kept) and normalised."""
    return augment.normalise(resize_image(image, input_size))
