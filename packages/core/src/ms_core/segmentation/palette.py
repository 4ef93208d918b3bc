"""Colours for classes that come without: the same for the same number of classes, told apart by most eyes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

MOST_CLASSES = 254
"""Labels are 8 bits wide; 255 means "ignore", and 254 is kept for values that mean nothing."""

# Okabe and Ito, "Color Universal Design" (2008), without black: legible with every common colour blindness.
_FIRST = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
)
_LEVELS = np.linspace(0, 255, 12)
_LIGHTNESS = (0.4, 0.93)
"""Bounds of OKLab's lightness: black is left to pixels that do not count, white to paper."""
_BLIND_WEIGHT = 1.6
"""How much a difference counts that remains for a colour-blind eye: there are fewer of those to choose from."""

# Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), table 1, severity 1; on linear RGB.
_PROTANOPIA = np.array(
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
)
_DEUTERANOPIA = np.array(
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
)
# Ottosson, "A perceptual color space for image processing" (2020): linear RGB to cone responses, their roots to OKLab.
_TO_CONES = np.array(
    (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
)
_TO_LAB = np.array(
    (
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    )
)


@lru_cache(maxsize=64)
def _colours(count: int) -> bytes:
    """Each colour after the first ones is the one that is farthest from all before, to the eye that sees least."""
    grid = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(-1, 3).round()
    lightness = _lab(_linear(grid))[:, 0]
    candidates = grid[(lightness > _LIGHTNESS[0]) & (lightness < _LIGHTNESS[1])]
    seen = _seen(candidates)
    chosen = [np.array(colour, np.float64) for colour in _FIRST[:count]]
    nearest = np.full(len(candidates), np.inf)
    for place in range(count):
        if place == len(chosen):
            # Rounded, so that no last bit of a platform's arithmetic decides between equals.
            chosen.append(candidates[int(np.argmax(nearest.round(4)))])
        nearest = np.minimum(nearest, _distance(seen, _seen(chosen[place][None])))
    return np.array(chosen, np.uint8).tobytes()


def default_palette(count: int) -> np.ndarray:
    """`count` colours, uint8 [count, 3] RGB; a shorter palette is the beginning of a longer one.

    Args:
        count: 0 to 254.
    """
    if not 0 <= count <= MOST_CLASSES:
        raise ValueError(f"count: {count} is not within 0-{MOST_CLASSES}.")
    return np.frombuffer(_colours(count), np.uint8).reshape(-1, 3).copy()


def _seen(colours: np.ndarray) -> np.ndarray:
    """OKLab of RGB 0-255 [n, 3] to the usual eye, a protanope's and a deuteranope's: [3, n, 3]."""
    linear = _linear(colours)
    blind = [(linear @ matrix.T).clip(0, 1) for matrix in (_PROTANOPIA, _DEUTERANOPIA)]
    return np.stack([_lab(linear), *map(_lab, blind)])


def _distance(seen: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Distance of every colour, [3, n, 3], to one, [3, 1, 3], where it is least: [n]."""
    usual, *blind = np.sqrt(((seen - one) ** 2).sum(axis=-1))
    return np.minimum(usual, _BLIND_WEIGHT * np.minimum(*blind))


def _linear(colours: np.ndarray) -> np.ndarray:
    shares = np.asarray(colours, np.float64) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    """OKLab of linear RGB 0-1, [n, 3]: lightness 0-1, green to red, blue to yellow."""
    return np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
