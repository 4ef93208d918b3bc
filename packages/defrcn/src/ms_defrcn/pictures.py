"""One picture: decoded, resized, mirrored, and as the network reads it.

Pictures are uint8 [H, W, 3] RGB, as everywhere in the core; the network reads BGR, as MSRA's ResNets were trained.
Built on mmcv, which takes seconds to import: import this module only where pictures are worked on.
"""

from __future__ import annotations

from functools import lru_cache

import mmcv
import numpy as np
from ms_core.data.images import decode_image
from ms_core.data.network_input import look_up
from ms_core.data.sample import EncodedReader, Sample

MEAN = (103.53, 116.28, 123.675)
"""BGR, 0-255 (detectron2's configuration of MSRA's ResNets)."""
STD = (1.0, 1.0, 1.0)
"""BGR: the deviation is in the weights of MSRA's first convolution."""


def decode(sample: Sample, encoded: EncodedReader) -> np.ndarray:
    """The picture of a sample, upright where its boxes were drawn on the upright one.

    Args:
        sample: says which picture and how large.
        encoded: gives the bytes of its file, out of the file or a cache.

    Raises:
        UserError: missing, damaged, or of another size than annotated; see `ms_core.data.images.decode_image`.
    """
    return decode_image(encoded(sample), sample.path, (sample.width, sample.height), decoder=_decode_stored)


def _decode_stored(data: np.ndarray) -> np.ndarray | None:
    """The `Decoder` of mmcv."""
    pixels = mmcv.imfrombytes(data.tobytes(), flag="color_ignore_orientation", backend="cv2")
    return None if pixels is None else mmcv.bgr2rgb(pixels)


def mirror(image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture and boxes [n, 4] x0 y0 x1 y1 mirrored left and right; the picture in place."""
    mirrored = boxes.copy()
    mirrored[:, [0, 2]] = image.shape[1] - boxes[:, [2, 0]]
    return mmcv.imflip_(image), mirrored


def normalise(image: np.ndarray, *, out: np.ndarray | None = None) -> np.ndarray:
    """What the network reads, bit for bit as mmcv.imnormalize and a transpose make it.

    Only 256 values can occur in a channel, so each is looked up, straight into its plane of the batch.

    Args:
        image: uint8 [H, W, 3] RGB.
        out: float32 [3, H, W] with gapless rows, written and returned; None: a new array.

    Returns:
        float32 [3, H, W] BGR, minus the mean.
    """
    planes = np.empty((3, *image.shape[:2]), np.float32) if out is None else out
    look_up(image, _normalised_levels(), out=planes[::-1])
    return planes


@lru_cache(maxsize=1)
def _normalised_levels() -> np.ndarray:
    """float32 [3, 256]: what each value of red, green and blue becomes."""
    every_level = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(256, 1, 3)
    table = mmcv.imnormalize(every_level, np.array(MEAN), np.array(STD), to_rgb=False)
    return np.ascontiguousarray(table[:, 0, ::-1].T)
