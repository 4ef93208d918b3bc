"""Random views of a street, in the order SegFormer is trained with: resize, crop, flip; then what the network reads.

Pictures are uint8 [H, W, 3] RGB, labels uint8 [H, W] with 255 where nothing counts. Built on mmcv, which takes a
second or more to import: import this module only where pictures are worked on.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import mmcv
import numpy as np
from ms_core.data.network_input import PIXEL_MEAN, PIXEL_STD, look_up
from ms_core.segmentation.coding import IGNORE

from ms_segformer.config import Size

MEAN = np.array(PIXEL_MEAN, np.float32)
"""RGB, 0-255. In single precision, as mmcv's own Normalize keeps it: its value decides the last bit."""
STD = np.array(PIXEL_STD, np.float32)
"""RGB, 0-255."""
CROP_REDRAWS = 10


def fit_size(size: Size, box: Size, factor: float = 1.0) -> Size:
    """The largest size of a picture within a box, aspect ratio kept, times a factor; rounded once, at the end.

    mmcv's rule: the longer side of the picture is held against the longer side of the box, so a portrait picture
    fits into the box stood on its end.

    Args:
        size: (height, width) of the picture, pixels.
        box: (height, width), pixels.
        factor: > 0.

    Returns:
        (height, width), each at least 1.
    """
    _, fit = mmcv.rescale_size((size[1], size[0]), (box[1], box[0]), return_scale=True)
    return scaled_size(size, fit * factor)


def scaled_size(size: Size, factor: float) -> Size:
    """(height, width) times `factor`, halves rounded up, each at least 1."""
    width, height = mmcv.rescale_size((size[1], size[0]), float(factor))
    return max(height, 1), max(width, 1)


def resize_image(image: np.ndarray, size: Size) -> np.ndarray:
    """uint8 [H, W, 3] at `size` = (height, width), bilinear; for training and evaluation alike."""
    return mmcv.imresize(image, (size[1], size[0]), interpolation="bilinear", backend="cv2")


def resize_label(label: np.ndarray, size: Size) -> np.ndarray:
    """uint8 [H, W] at `size` = (height, width); every value is one that was there."""
    return mmcv.imresize(label, (size[1], size[0]), interpolation="nearest", backend="cv2")


def random_size(
    size: Size, base_size: Size | None, scale: tuple[float, float], rng: np.random.Generator
) -> Size:
    """Fit into `base_size`, if there is one, and multiply by a factor drawn evenly from the bounds `scale`.

    Returns:
        (height, width); the picture is then resized once.
    """
    factor = rng.uniform(*scale)
    return scaled_size(size, factor) if base_size is None else fit_size(size, base_size, factor)


def random_crop(
    label: np.ndarray, crop: Size, max_class_share: float, rng: np.random.Generator
) -> tuple[slice, slice]:
    """A part of at most `crop` that shows more than one class.

    It is drawn anew, up to ten times, until the most frequent class holds less than `max_class_share` of the valid
    pixels and a second class is there; the last draw is taken as it is.

    Args:
        label: uint8 [H, W].
        crop: (height, width), pixels; a side longer than the label's takes all of it.
        max_class_share: 0-1; 1: any part will do.
        rng: source of the draws, of which it always takes the same number.

    Returns:
        (rows, columns) to index picture and label with.
    """
    free = np.maximum(np.subtract(label.shape, crop), 0)
    corners = rng.integers(free + 1, size=(1 + CROP_REDRAWS, 2))
    judged = 0 if max_class_share == 1 or not free.any() else CROP_REDRAWS
    parts = [(slice(y, y + crop[0]), slice(x, x + crop[1])) for y, x in corners.tolist()]
    return next((part for part in parts[:judged] if is_varied(label[part], max_class_share)), parts[judged])


def is_varied(label: np.ndarray, max_class_share: float) -> bool:
    """Whether a label shows more than one class, none with `max_class_share` or more of the valid pixels."""
    # NumPy's unique and bincount take 16 and 3 times as long; float32 counts are whole up to 2^24 pixels.
    counts = cv2.calcHist([label], [0], None, [IGNORE], [0, IGNORE])
    return np.count_nonzero(counts) > 1 and bool(counts.max() < max_class_share * counts.sum())


def flip(image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both mirrored left and right; new arrays."""
    # mmcv.imflip returns a view that is read backwards, which costs NumPy 20 times as much later.
    return mmcv.imflip_(image.copy()), mmcv.imflip_(label.copy())


def normalise(
    image: np.ndarray, *, levels: np.ndarray | None = None, out: np.ndarray | None = None
) -> np.ndarray:
    """What the network reads, bit for bit as mmcv.imnormalize and a transpose make it.

    Own step: only 256 values can occur in a channel, so each is looked up, straight into its plane of the batch;
    mmcv takes five times as long over float pictures.

    Args:
        image: uint8 [H, W, 3] RGB.
        levels: uint8 [256], what every value of the picture has still to become before; None: it is done.
        out: float32 [3, H, W] with gapless rows, written and returned; None: a new array.

    Returns:
        float32 [3, H, W], (pixel - mean) / std.
    """
    return look_up(image, normalised_levels(), levels=levels, out=out)


@lru_cache(maxsize=1)
def normalised_levels() -> np.ndarray:
    """float32 [3, 256]: what each value of each channel becomes."""
    every_level = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(256, 1, 3)
    table = mmcv.imnormalize(every_level, MEAN, STD, to_rgb=False)
    return np.ascontiguousarray(table[:, 0].T)
