"""The pictures an exported model takes, and those it is compared with its network on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from ms_core.data.images import read_image
from ms_core.data.network_input import PIXEL_MEAN, PIXEL_STD, resize_image
from ms_core.export.manifest import ImageInput
from ms_core.export.options import ExportOptions

DYNAMIC_BATCH = 3
"""Pictures a model of any batch size is tried with, besides one."""

Triple = tuple[float, float, float]


def picture_input(
    size: tuple[int, int],
    options: ExportOptions,
    *,
    mean: Triple = PIXEL_MEAN,
    std: Triple = PIXEL_STD,
    channels: Literal["RGB", "BGR"] = "RGB",
    resize: Literal["stretch", "fit"] = "stretch",
) -> ImageInput:
    """The first input of a model: normalised float32 [B, 3, H, W], or uint8 [B, H, W, 3] where the options say so.

    Args:
        size: (height, width), pixels.
        options: batch size, and who normalises.
        mean: 0-255, in the order of `channels`.
        std: in the order of `channels`.
        channels: order of the colours.
        resize: see `ImageInput.resize`.
    """
    batch, inside = options.batch_size, options.normalise_inside
    return ImageInput(
        name="images",
        shape=(batch, *size, 3) if inside else (batch, 3, *size),
        dtype="uint8" if inside else "float32",
        layout="NHWC" if inside else "NCHW",
        channels=channels,
        mean=mean,
        std=std,
        normalised_inside=inside,
        resize=resize,
    )


def comparison_picture(picture: Path | None) -> np.ndarray:
    """uint8 [H, W, 3] RGB: a real picture where one is given, else noise that is smooth once it was enlarged.

    Raises:
        UserError: the picture cannot be read.
    """
    if picture is not None:
        return read_image(picture)
    return np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def comparison_input(
    pictures: ImageInput, picture: Path | None, normalise: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """One batch for a model whose pictures are stretched to its size.

    Args:
        pictures: what the model takes.
        picture: see `comparison_picture`.
        normalise: uint8 [H, W, 3] -> float32 [3, H, W], as in training; not called where the graph does it.
    """
    image = resize_image(comparison_picture(picture), pictures.size)
    return comparison_batch(image if pictures.normalised_inside else normalise(image), pictures)


def comparison_batch(image: np.ndarray, pictures: ImageInput) -> np.ndarray:
    """[B, ...] of what the model takes of one picture [...], each row shifted sideways by another amount.

    So rows cannot be mixed up. B is `DYNAMIC_BATCH` where the model takes any number.
    """
    count = DYNAMIC_BATCH if pictures.batch_size is None else pictures.batch_size
    axis = pictures.layout.index("W") - 1
    shift = max(1, image.shape[axis] // (count + 1))
    return np.stack([np.roll(image, row * shift, axis=axis) for row in range(count)])
