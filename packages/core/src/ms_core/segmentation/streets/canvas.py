"""What synthetic streets are drawn on: a camera, a picture with a label for every pixel, light and haze."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ms_core.segmentation.cityscapes_labels import LABELS

Colour = Sequence[float] | np.ndarray
"""RGB, 0-255."""

ID = {label.name: label.id for label in LABELS}

NEAREST = 0.8
"""Metres in front of the camera from which on things are drawn."""

_SUBPIXEL_BITS = 4
_FARTHEST = 1 << 14
"""Pixels outside the picture beyond which corners are moved: cv2 counts them in 32 bits."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera over the middle of its lane, looking along the street.

    World coordinates are metres: x to the right, y up from the ground, z forward.
    """

    focal: float
    """Pixels."""
    centre: float
    """Column of the point where all lines along the street meet, pixels."""
    horizon: float
    """Row of the horizon, pixels."""
    height: float
    """Metres above the ground."""

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels [..., 2] (column, row) of points [..., 3]; what is behind the camera is moved in front of it."""
        pixels_a_metre = self.focal / np.maximum(points[..., 2], NEAREST)
        pixels = np.empty((*points.shape[:-1], 2))
        pixels[..., 0] = self.centre + pixels_a_metre * points[..., 0]
        pixels[..., 1] = self.horizon + pixels_a_metre * (self.height - points[..., 1])
        return pixels

    def scale(self, depth: float) -> float:
        """Pixels a metre at a distance."""
        return self.focal / max(depth, NEAREST)


@dataclass(frozen=True)
class Light:
    """Where the sun stands and how thick the air is."""

    sun: int
    """-1: from the left, so that the right side of the street is lit; 1: from the right; 0: overcast."""
    haze: tuple[float, float, float]
    """Colour that distant things fade to."""
    visibility: float
    """Metres at which two thirds of the haze are reached."""

    def on(self, colour: Colour, depth: float, shade: float = 1.0) -> tuple[float, float, float]:
        """The colour seen from a distance; `shade` darkens it, and a little towards blue, as shadows do."""
        far = 1 - math.exp(-max(depth, 0.0) / self.visibility)
        near = (1 - far) * shade
        blue = (1 - far) * (0.1 + 0.9 * shade if shade < 1 else shade)
        red, green, blue_ = (float(value) for value in colour)
        haze = self.haze
        return near * red + far * haze[0], near * green + far * haze[1], blue * blue_ + far * haze[2]

    def shade(self, side: float, facing: str = "street") -> float:
        """How bright a surface is, about 1.

        Args:
            side: its x; the sign says on which side of the street it is.
            facing: "street": a facade or the side of a thing at this side; "camera": the end towards the camera.
        """
        if self.sun == 0:
            return 0.92 if facing == "street" else 0.84
        if facing == "camera":
            return 0.8
        return 1.06 if side * self.sun < 0 else 0.6


class Canvas:
    """A picture, and the Cityscapes label id of each of its pixels."""

    def __init__(self, camera: Camera, light: Light, height: int, width: int) -> None:
        self.camera, self.light = camera, light
        self.picture = np.zeros((height, width, 3), np.uint8)
        self.ids = np.zeros((height, width), np.uint8)

    def fill(self, corners: np.ndarray, colour: Colour, label: int | None = None) -> None:
        """Fill polygons given in pixels.

        Args:
            corners: [n, 2], one polygon, or [m, n, 2], several that do not overlap.
            colour: as it is seen.
            label: id; None leaves the labels as they are, for light and markings.
        """
        polygons = _fixed(corners)
        listed = list(polygons) if polygons.ndim == 3 else [polygons]
        cv2.fillPoly(self.picture, listed, _rgb(colour), shift=_SUBPIXEL_BITS)
        if label is not None:
            cv2.fillPoly(self.ids, listed, (label,), shift=_SUBPIXEL_BITS)

    def surface(
        self, points: np.ndarray, colour: Colour, label: int | None = None, shade: float = 1.0
    ) -> None:
        """Fill polygons given in world coordinates, [n, 3] or [m, n, 3], seen through the haze."""
        depths = points[..., 2]
        depth = max(float(depths.min()) + float(depths.max()), 2 * NEAREST) / 2
        self.fill(self.camera.project(points), self.light.on(colour, depth, shade), label)

    def disc(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour | None,
        label: int | None = None,
        ring: float = 0.0,
    ) -> None:
        """An ellipse in pixels.

        Args:
            colour: None draws only the label.
            ring: thickness of a ring, pixels, drawn instead of a disc in the picture; the label is always the disc.
        """
        outline = ellipse(centre, radii)
        if colour is not None and ring > 0:
            thickness = max(1, round(ring))
            cv2.polylines(
                self.picture, [_fixed(outline)], True, _rgb(colour), thickness, shift=_SUBPIXEL_BITS
            )
        elif colour is not None:
            self.fill(outline, colour)
        if label is not None:
            self.fill_label(outline, label)

    def fill_label(self, corners: np.ndarray, label: int) -> None:
        """Set the label of a polygon [n, 2] in pixels, and leave its picture as it is."""
        cv2.fillPoly(self.ids, [_fixed(corners)], (label,), shift=_SUBPIXEL_BITS)

    def darken(self, points: np.ndarray, factor: float) -> None:
        """A shadow over a polygon [n, 3] in world coordinates; labels stay."""
        corners = self.camera.project(points)
        height, width = self.ids.shape
        left, top = (max(0, int(edge)) for edge in corners.min(axis=0))
        right, bottom = (int(edge) + 2 for edge in corners.max(axis=0))
        part = self.picture[top : min(bottom, height), left : min(right, width)]
        if part.size == 0:
            return
        mask = np.full(part.shape[:2], 255, np.uint8)
        cv2.fillPoly(mask, [_fixed(corners - (left, top))], (round(255 * factor),), shift=_SUBPIXEL_BITS)
        soft = cv2.blur(mask, (5, 5))
        bluish = cv2.addWeighted(soft, 0.8, soft, 0, 51)
        part[:] = cv2.multiply(part, cv2.merge((soft, soft, bluish)), scale=1 / 255)


def _fixed(corners: np.ndarray) -> np.ndarray:
    """Corners as cv2 takes them: int32, `_SUBPIXEL_BITS` of them behind the point."""
    inside = np.maximum(np.minimum(corners, _FARTHEST), -_FARTHEST)
    return np.rint(inside * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _rgb(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = (min(max(float(value), 0.0), 255.0) for value in colour)
    return red, green, blue


@lru_cache(maxsize=64)
def circle(count: int) -> np.ndarray:
    """Corners of the circle around the origin with radius 1, float64 [count, 2]; not to be written to."""
    turn = np.arange(count) * (2 * np.pi / count)
    return np.stack((np.cos(turn), np.sin(turn)), axis=1)


def ellipse(centre: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    """Corners of an upright ellipse, [n, 2]; the more, the larger it is."""
    return circle(min(max(int(max(radii)), 8), 40)) * radii + centre


def box(x: tuple[float, float], y: tuple[float, float], z: float) -> np.ndarray:
    """A rectangle that faces the camera, [4, 3]."""
    return np.array([(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)], np.float64)


def panel(x: float, y: tuple[float, float], z: tuple[float, float]) -> np.ndarray:
    """A rectangle along the street, [4, 3]."""
    return np.array([(x, y[0], z[0]), (x, y[0], z[1]), (x, y[1], z[1]), (x, y[1], z[0])], np.float64)


def ground(x: tuple[float, float], z: tuple[float, float], y: float = 0.0) -> np.ndarray:
    """A rectangle on the ground, [4, 3]."""
    return np.array([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])], np.float64)


def panels(x: float, ys: np.ndarray, zs: np.ndarray) -> np.ndarray:
    """All combinations of rectangles along the street: ys [a, 2] and zs [b, 2] give [a * b, 4, 3]."""
    low, near = (grid.ravel() for grid in np.meshgrid(ys[:, 0], zs[:, 0], indexing="ij"))
    high, far = (grid.ravel() for grid in np.meshgrid(ys[:, 1], zs[:, 1], indexing="ij"))
    plane = np.full(low.shape, x)
    corners = ((plane, low, near), (plane, low, far), (plane, high, far), (plane, high, near))
    return np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
