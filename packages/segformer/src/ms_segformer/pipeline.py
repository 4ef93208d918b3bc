"""From pictures and labels on disk to batches for the network.

Training: read, resize, crop, flip, colour, normalise, pad, in this order. Evaluation shares read, resize and normalise.
"""

from __future__ import annotations

import numpy as np
from ms_core.segmentation.coding import IGNORE
from ms_core.segmentation.sample import SegmentationDataset
from ms_core.train.order import BatchOrder

from ms_segformer import augment
from ms_segformer.colour import change_with_levels, draw_colour_change
from ms_segformer.config import InputConfig


class TrainingBatches:
    """Batches as a pure function of the step: the same seed gives the same run, whole or resumed.

    Item `step` is (images [B, 3, H, W] float32, labels [B, H, W] int32, 255 where nothing counts). Every random
    decision comes from (seed, epoch, position of the sample in the data set). Threads may share it.
    """

    def __init__(
        self, dataset: SegmentationDataset, config: InputConfig, order: BatchOrder, seed: int
    ) -> None:
        self.dataset = dataset
        self.config = config
        self.order = order
        self.seed = seed
        self.steps_per_epoch = order.steps_per_epoch

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Raises UserError where a picture or its label cannot be read."""
        epoch, indices = self.order.epoch_of(step), self.order.indices(step)
        images = np.empty((len(indices), 3, *self.config.crop), np.float32)
        labels = np.empty((len(indices), *self.config.crop), np.int32)
        for row, index in enumerate(indices):
            self._fill_row(epoch, int(index), images[row], labels[row])
        return images, labels

    def names(self, step: int) -> list[str]:
        """Files of the batch of `step`, for messages."""
        return [str(self.dataset.samples[index].image) for index in self.order.indices(step)]

    def _fill_row(self, epoch: int, index: int, image: np.ndarray, label: np.ndarray) -> None:
        """Read and augment one sample, straight into the top left of its row of the batch; pad the rest."""
        rng = np.random.default_rng([self.seed, epoch, index])
        pixels, view_label = _random_view(
            self.dataset.read_image(index), self.dataset.read_label(index), self.config, rng
        )
        levels = None
        if self.config.photometric:
            pixels, levels = change_with_levels(pixels, draw_colour_change(rng))
        height, width = view_label.shape
        augment.normalise(pixels, levels=levels, out=image[:, :height, :width])
        label[:height, :width] = view_label
        _pad(image, height, width, 0)
        _pad(label, height, width, IGNORE)


def _pad(canvas: np.ndarray, height: int, width: int, value: int) -> None:
    """Fill [..., H, W] below and right of its top left [height, width]; mmcv.impad would copy the whole picture."""
    canvas[..., height:, :] = value
    canvas[..., :height, width:] = value


def _random_view(
    image: np.ndarray, label: np.ndarray, config: InputConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Picture and label resized, cropped and flipped; colours still their own."""
    height, width = label.shape
    size = augment.random_size((height, width), config.base_size, config.scale, rng)
    label = augment.resize_label(label, size)
    part = augment.random_crop(label, config.crop, config.max_class_share, rng)
    image, label = augment.resize_image(image, size)[part], label[part]
    return augment.flip(image, label) if rng.random() < config.flip else (image, label)


def network_input(image: np.ndarray) -> np.ndarray:
    """[H, W, 3] uint8 RGB -> [3, H, W] float32, normalised, of the same size."""
    return augment.normalise(image)
