"""Random brightness, contrast, saturation and hue of a training picture.

The order is fixed, each change happens to half of the pictures, and every change rounds to 8 bits, as the recipe has
it. mmcv's adjust_* functions are others: they blend pictures. The numbers are those of BGR pictures; RGB ones need no
turning round, since mmcv converts either to the same hue, saturation and value.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import mmcv
import numpy as np

BRIGHTNESS = 32.0
"""Most that is added or taken away, levels of 0-255."""
CONTRAST = SATURATION = (0.5, 1.5)
"""Bounds of the factors."""
HUE = 18
"""Most that the hue turns either way, units of two degrees."""
HUES = 180
"""A full turn in those units."""

_SAME = np.arange(256, dtype=np.uint8)
_LEVELS = np.arange(256, dtype=np.float32)


@dataclass(frozen=True)
class ColourChange:
    """What is done to the colours of one picture; the defaults do nothing."""

    brightness: float = 0.0
    """Added to every value, levels of 0-255."""
    contrast: float = 1.0
    """Factor on every value."""
    contrast_last: bool = False
    """Contrast after saturation and hue instead of before."""
    saturation: float = 1.0
    """Factor on the saturation."""
    hue: int = 0
    """Added to the hue, units of two degrees, modulo 180."""


def draw_colour_change(rng: np.random.Generator) -> ColourChange:
    """Each of the four with probability 1/2, contrast first or last likewise."""
    brighten, contrast, last, saturate, turn = rng.random(5) < 0.5
    brightness = rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    contrast_factor, saturation_factor = rng.uniform(*CONTRAST), rng.uniform(*SATURATION)
    hue = int(rng.integers(-HUE, HUE, endpoint=True))
    return ColourChange(
        brightness=brightness if brighten else 0.0,
        contrast=contrast_factor if contrast else 1.0,
        contrast_last=bool(last),
        saturation=saturation_factor if saturate else 1.0,
        hue=hue if turn else 0,
    )


def change_colours(image: np.ndarray, change: ColourChange) -> np.ndarray:
    """uint8 [H, W, 3] RGB, changed; the given picture is left as it is."""
    image, levels = change_with_levels(image, change)
    return _looked_up(image, levels)


def change_with_levels(image: np.ndarray, change: ColourChange) -> tuple[np.ndarray, np.ndarray]:
    """`change_colours` without its last pass over the picture, which `normalise` does on the way.

    Returns:
        (uint8 [H, W, 3] RGB, levels uint8 [256] that every value of it has still to become).
    """
    levels = scaled_levels(offset=change.brightness)
    contrast = scaled_levels(factor=change.contrast)
    if not change.contrast_last:
        levels = contrast[levels]
    if change.saturation != 1 or change.hue != 0:
        image, levels = _looked_up(image, levels), _SAME
    if change.saturation != 1:
        image = _through_hsv(image, 1, scaled_levels(factor=change.saturation))
    if change.hue != 0:
        image = _through_hsv(image, 0, ((_SAME.astype(int) + change.hue) % HUES).astype(np.uint8))
    if change.contrast_last:
        levels = contrast[levels]
    return image, levels


def scaled_levels(factor: float = 1.0, offset: float = 0.0) -> np.ndarray:
    """uint8 [256]: level * factor + offset in single precision, clipped to 0-255, fractions cut off."""
    return np.clip(_LEVELS * factor + offset, 0, 255).astype(np.uint8)


def _through_hsv(image: np.ndarray, channel: int, table: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] RGB with its hue (channel 0) or saturation (1) looked up in uint8 [256]."""
    hsv = mmcv.imconvert(image, "rgb", "hsv")
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, channel), table), hsv, channel)
    return mmcv.imconvert(hsv, "hsv", "rgb")


def _looked_up(image: np.ndarray, levels: np.ndarray) -> np.ndarray:
    # mmcv.lut_transform is this call behind a copy and two passes that check the range of 8-bit values.
    return image if np.array_equal(levels, _SAME) else cv2.LUT(image, levels)
