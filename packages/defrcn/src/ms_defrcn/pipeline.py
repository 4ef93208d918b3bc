"""From pictures on disk to what the network takes, in training and in evaluation.

Training: decode, resize to a short side that is drawn, mirror by chance, normalise, fill up to the batch's shape.
Evaluation shares all but the chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ms_core.data.sample import DetectionDataset
from ms_core.train.order import BatchOrder

from ms_defrcn import pictures
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.pictures import MEAN, STD
from ms_defrcn.resize import box_scale, fitted_size, resize_image, size_of
from ms_defrcn.shapes import batch_shape, inference_shapes, training_shapes

__all__ = ["FILLER", "MEAN", "STD", "TrainingBatches", "test_input"]

FILLER = -1
"""Class of the slots that hold no object."""
_SLOTS = 8
"""Their number is a multiple of this."""

Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class _View:
    """A picture as training shows it."""

    image: np.ndarray
    """uint8 [h, w, 3] RGB."""
    boxes: np.ndarray
    """float32 [n, 4] x0 y0 x1 y1 in its pixels."""
    classes: np.ndarray
    """int32 [n], from 0."""
    rng: np.random.Generator
    """What is drawn later comes from here."""


class TrainingBatches:
    """Batches as a pure function of the step: the same seed gives the same run, whole or resumed.

    Item `step` is what `TrainingNetwork` takes:

    - images float32 [B, 3, H, W], BGR minus the mean, zeros right of and below each picture;
    - sizes float32 [B, 2], (height, width) of each picture in there;
    - boxes float32 [B, G, 4], x0 y0 x1 y1 in pixels of the input;
    - classes int32 [B, G], from 0, -1 where there is no object;
    - anchor keys float32 [B, A]: a permutation of 0..A-1 for each picture, by which anchors are sampled;
    - region keys float32 [B, P + G]: the same for proposals and objects.

    H and W are those of a padded shape, or else those of the batch; A = anchors of H x W; P = train_after_nms. Every
    random decision comes from (seed, epoch, position of the sample in the data set). Lying pictures share batches with
    lying ones, as far as their numbers allow. Boxes of crowds are left out. Threads may share it.

    Args:
        dataset: with the classes of the stage.
        config: of the run.
        order: of the samples of `dataset`.
        anchors_per_cell: anchors at one place of the feature map.
        stride: pixels between two places.
    """

    def __init__(
        self,
        dataset: DetectionDataset,
        config: DeFRCNConfig,
        order: BatchOrder,
        anchors_per_cell: int,
        stride: int,
    ) -> None:
        self.samples = tuple(s.select(~s.crowd) if s.crowd.any() else s for s in dataset.samples)
        self.encoded = dataset.encoded
        self.config = config.input
        self.order = order.grouped(np.array([s.width > s.height for s in self.samples]))
        self.steps_per_epoch = order.steps_per_epoch
        self.anchors_per_cell = anchors_per_cell
        self.stride = stride
        self.shapes = training_shapes(config.input)
        self.slots = _rounded_up(max(len(sample.boxes) for sample in self.samples), _SLOTS)
        self.candidates = config.proposals.train_after_nms + self.slots

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, step: int) -> Batch:
        """Raises UserError where a picture cannot be read."""
        epoch = self.order.epoch_of(step)
        views = [self._view(epoch, int(index)) for index in self.order.indices(step)]
        sizes = [size_of(view.image) for view in views]
        shape = batch_shape(sizes, self.shapes)
        images = np.zeros((len(views), 3, *shape), np.float32)
        boxes = np.zeros((len(views), self.slots, 4), np.float32)
        classes = np.full((len(views), self.slots), FILLER, np.int32)
        for row, (view, (height, width)) in enumerate(zip(views, sizes, strict=True)):
            # mmcv.impad would copy the whole picture once more.
            pictures.normalise(view.image, out=images[row, :, :height, :width])
            boxes[row, : len(view.boxes)] = view.boxes
            classes[row, : len(view.boxes)] = view.classes
        anchor_keys = np.stack([_keys(view.rng, self.anchor_count(shape)) for view in views])
        region_keys = np.stack([_keys(view.rng, self.candidates) for view in views])
        return images, np.array(sizes, np.float32), boxes, classes, anchor_keys, region_keys

    def names(self, step: int) -> list[str]:
        """Files of the batch of `step`, for messages."""
        return [str(self.samples[index].path) for index in self.order.indices(step)]

    def anchor_count(self, shape: tuple[int, int]) -> int:
        """Anchors of an input of (height, width)."""
        rows, columns = (-(-side // self.stride) for side in shape)
        return rows * columns * self.anchors_per_cell

    def _view(self, epoch: int, index: int) -> _View:
        """Read one sample and show it at random."""
        rng = np.random.default_rng([self.order.seed, epoch, index])
        sample = self.samples[index]
        stored = pictures.decode(sample, self.encoded)
        size = size_of(stored)
        new_size = fitted_size(size, int(rng.choice(self.config.short_sides)), self.config.max_side)
        image = resize_image(stored, new_size)
        boxes = sample.boxes * np.array(2 * box_scale(size, new_size), np.float32)
        if rng.random() < self.config.flip:
            image, boxes = pictures.mirror(image, boxes)
        return _View(image, _clipped(boxes, new_size), sample.labels, rng)


def test_input(image: np.ndarray, config: DeFRCNConfig) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """What the network takes in evaluation and prediction.

    Args:
        image: uint8 [h, w, 3] RGB, as `ms_core.data.images` reads it.
        config: says how large, and what shapes there are.

    Returns:
        images float32 [1, 3, H, W], sizes float32 [1, 2] as in training, and (across, down), pixels of the network's
        input to a pixel of `image`: rounding makes them differ a little.
    """
    size = size_of(image)
    height, width = fitted_size(size, config.input.test_short_side, config.input.max_side)
    shape = batch_shape([(height, width)], inference_shapes(config.input))
    images = np.zeros((1, 3, *shape), np.float32)
    pictures.normalise(resize_image(image, (height, width)), out=images[0, :, :height, :width])
    return images, np.array([[height, width]], np.float32), box_scale(size, (height, width))


def _clipped(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Boxes [n, 4] inside a picture of `size`: rounding leaves some a fraction of a pixel outside."""
    height, width = size
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32))


def _keys(rng: np.random.Generator, count: int) -> np.ndarray:
    """A permutation of 0..count-1, float32 [count]: exact below 2^24."""
    return rng.permutation(count).astype(np.float32)


def _rounded_up(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple
