"""Cars, vans, buses, trucks and trams of synthetic streets."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ms_core.segmentation.streets.canvas import ID, NEAREST, Canvas, box, ground, panel

_TYRE = (24, 24, 26)
_RIM = (150, 152, 156)
_GLASS = (38, 48, 60)
_DETAIL = 9.0
"""Pixels a metre below which lights and plates would only be noise."""

PAINTS = (
    (228, 230, 232), (190, 194, 198), (120, 124, 130), (58, 60, 66), (28, 29, 33), (150, 30, 34),
    (34, 62, 118), (62, 104, 150), (46, 84, 62), (186, 150, 60), (110, 78, 58), (206, 92, 36),
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """The shape of a kind of vehicle."""

    label: int
    width: float
    length: float
    height: float
    profile: tuple[tuple[float, float], ...]
    """Outline from the side, from its rear: (share of the length, share of the height)."""
    window: tuple[tuple[float, float], ...]
    """Glass in it."""
    belt: float
    """Where the glass of the ends starts, share of the height."""
    wheel: float
    """Radius, metres."""
    flat: tuple[float, float] = (0.0, 0.0)
    """Upright ends, rear and front: up to this share of the height; 0: the glass leans back over a boot or bonnet."""
    paints: tuple[tuple[int, int, int], ...] = PAINTS


_CAR_GLASS = ((0.2, 0.66), (0.26, 0.93), (0.56, 0.95), (0.72, 0.66))
_CAR = (
    (0, 0.2),
    (0, 0.6),
    (0.07, 0.66),
    (0.17, 0.95),
    (0.3, 1),
    (0.55, 1),
    (0.74, 0.66),
    (0.97, 0.55),
    (1, 0.2),
)
_ESTATE = ((0, 0.2), (0, 0.64), (0.04, 0.9), (0.12, 1), (0.56, 1), (0.74, 0.66), (0.97, 0.56), (1, 0.2))
_ESTATE_GLASS = ((0.08, 0.66), (0.1, 0.93), (0.56, 0.95), (0.71, 0.66))
_SEDAN = (
    (0, 0.22),
    (0, 0.6),
    (0.16, 0.64),
    (0.28, 0.97),
    (0.4, 1),
    (0.56, 1),
    (0.73, 0.64),
    (0.98, 0.54),
    (1, 0.2),
)
_SEDAN_GLASS = ((0.26, 0.66), (0.33, 0.93), (0.56, 0.95), (0.7, 0.66))
_VAN = ((0, 0.14), (0, 0.97), (0.04, 1), (0.74, 1), (0.86, 0.6), (1, 0.48), (1, 0.14))
_VAN_GLASS = ((0.66, 0.58), (0.66, 0.9), (0.75, 0.92), (0.83, 0.58))
_BOX = ((0, 0.12), (0, 1), (1, 1), (1, 0.12))
_TRUCK = ((0, 0.16), (0, 1), (0.74, 1), (0.74, 0.74), (0.97, 0.72), (1, 0.4), (1, 0.12))
_TRUCK_GLASS = ((0.8, 0.46), (0.8, 0.66), (0.94, 0.66), (0.97, 0.46))
_BUS_GLASS = ((0.03, 0.44), (0.03, 0.84), (0.97, 0.84), (0.97, 0.44))
_TRUCKS = ((222, 224, 226), (60, 92, 140), (178, 60, 48), (90, 110, 96))
_LIVERIES = ((196, 60, 44), (214, 168, 48), (70, 112, 160), (226, 226, 224), (70, 120, 86))

KINDS = {
    "car": Kind(ID["car"], 1.8, 4.2, 1.48, _CAR, _CAR_GLASS, 0.62, 0.31),
    "estate": Kind(ID["car"], 1.82, 4.6, 1.5, _ESTATE, _ESTATE_GLASS, 0.64, 0.32),
    "sedan": Kind(ID["car"], 1.82, 4.7, 1.44, _SEDAN, _SEDAN_GLASS, 0.64, 0.32),
    "van": Kind(ID["car"], 1.95, 5.0, 2.05, _VAN, _VAN_GLASS, 0.56, 0.34, (1.0, 0.0)),
    "truck": Kind(ID["truck"], 2.45, 7.5, 3.3, _TRUCK, _TRUCK_GLASS, 0.46, 0.5, (1.0, 0.73), _TRUCKS),
    "bus": Kind(ID["bus"], 2.5, 11.5, 3.1, _BOX, _BUS_GLASS, 0.46, 0.5, (1.0, 1.0), _LIVERIES),
    "tram": Kind(ID["train"], 2.4, 22.0, 3.5, _BOX, _BUS_GLASS, 0.42, 0.3, (1.0, 1.0), _LIVERIES),
}  # fmt: skip


def draw_vehicle(
    canvas: Canvas,
    rng: np.random.Generator,
    name: str,
    x: float,
    z: float,
    *,
    coming: bool = False,
    shade: float = 1.0,
) -> None:
    """One vehicle, along the street.

    Args:
        x: of its middle; z: of its end towards the camera; metres.
        coming: it shows its front.
        shade: 1 in the light, less in the shadow of houses.
    """
    kind = KINDS[name]
    paint = np.array(kind.paints[int(rng.integers(len(kind.paints)))], np.float64) + rng.integers(-10, 11, 3)
    _Vehicle(canvas, kind, x, z, coming, shade, paint).draw(rng)


@dataclass(frozen=True, eq=False)
class _Vehicle:
    canvas: Canvas
    kind: Kind
    x: float
    z: float
    coming: bool
    shade: float
    paint: np.ndarray

    def draw(self, rng: np.random.Generator) -> None:
        half = self.kind.width / 2
        reach = (self.x - half - 0.2, self.x + half + 0.2)
        self.canvas.darken(ground(reach, (self.z - 0.15, self.z + self.kind.length + 0.2)), 0.42)
        self._hull()
        side = self.x - half if self.x > 0 else self.x + half
        if side * self.x > 0:  # else the camera looks at its end alone
            self._side(side)
        self._end(rng)

    def _outline(self, shape: tuple[tuple[float, float], ...], x: float) -> np.ndarray:
        """A shape of the side, [n, 3]."""
        shares = np.array(shape)
        along = 1 - shares[:, 0] if self.coming else shares[:, 0]
        z = self.z + along * self.kind.length
        return np.stack((np.full(len(z), x), shares[:, 1] * self.kind.height, z), axis=1)

    def _hull(self) -> None:
        """The silhouette: whatever is behind the two faces that are seen."""
        half = self.kind.width / 2
        both = np.concatenate([self._outline(self.kind.profile, x) for x in (self.x - half, self.x + half)])
        # Wheels and bumpers close the gap to the ground.
        corners = self.canvas.camera.project(both).astype(np.float32)
        hull = cv2.convexHull(corners)[:, 0].astype(np.float64)
        colour = self.canvas.light.on(self.paint * 0.62, self.z, self.shade)
        self.canvas.fill(hull, colour, self.kind.label)

    def _side(self, x: float) -> None:
        kind, canvas = self.kind, self.canvas
        bright = self.shade * min(1.0, canvas.light.shade(x))
        canvas.surface(self._outline(kind.profile, x), self.paint, kind.label, bright)
        sill = tuple((share, min(height, 0.3)) for share, height in kind.profile)
        canvas.surface(self._outline(sill, x), self.paint * 0.6, kind.label, bright)
        canvas.surface(self._outline(kind.window, x), _GLASS, kind.label, self.shade)
        if canvas.camera.scale(self.z) > _DETAIL:
            self._pillars(x, bright)
        for share in (0.2, 0.81) if kind.length < 9 else (0.16, 0.84):
            self._wheel(x, self.z + share * kind.length)

    def _pillars(self, x: float, bright: float) -> None:
        """What parts the windows: two in a car, one every 1.4 m in a bus."""
        low = min(height for _, height in self.kind.window) * self.kind.height
        high = max(height for _, height in self.kind.window) * self.kind.height
        first, last = (f([share for share, _ in self.kind.window]) for f in (min, max))
        count = max(2, round((last - first) * self.kind.length / 1.4)) if self.kind.length > 9 else 2
        for share in np.linspace(first, last, count + 1)[1:-1]:
            z = self.z + (1 - share if self.coming else share) * self.kind.length
            self.canvas.surface(panel(x, (low, high), (z - 0.05, z + 0.05)), self.paint, None, bright)

    def _wheel(self, x: float, z: float) -> None:
        turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        for radius, colour in ((1.0, _TYRE), (0.58, _RIM), (0.3, _TYRE)):
            r = self.kind.wheel * radius
            points = np.stack(
                (np.full(16, x), self.kind.wheel + r * np.sin(turn), z + r * np.cos(turn)), axis=1
            )
            self.canvas.surface(points, colour, self.kind.label, self.shade)

    def _end(self, rng: np.random.Generator) -> None:
        """The face towards the camera."""
        kind, canvas = self.kind, self.canvas
        if self.z < NEAREST:
            return
        half, height = kind.width / 2, kind.height
        bright = self.shade * canvas.light.shade(self.x, "camera")
        for left in (self.x - half + 0.08, self.x + half - 0.3):
            canvas.surface(box((left, left + 0.22), (0, 0.4), self.z), _TYRE, kind.label, self.shade)
        flat = kind.flat[self.coming]
        top = height * (flat or kind.belt + 0.02)
        face = self._trapezoid((0.16 * height, top), (0.02, 0.04 if flat else 0.1), self.z)
        canvas.surface(face, self.paint, kind.label, bright)
        bumper = self._trapezoid((0.16 * height, 0.32 * height), (0.02, 0.0), self.z)
        canvas.surface(bumper, self.paint * 0.7, None, bright)
        if flat and (self.coming or kind.label != ID["truck"]):
            glass = self._trapezoid((kind.belt * height, 0.92 * top), (0.14, 0.18), self.z)
            canvas.surface(glass, _GLASS, None, self.shade)
        elif not flat:
            self._screen(bright)
        if canvas.camera.scale(self.z) > _DETAIL:
            self._lights(rng)

    def _screen(self, bright: float) -> None:
        """Slanted glass over the boot or bonnet, and what lies before it."""
        kind, canvas = self.kind, self.canvas
        foot, head = (0.26, 0.44) if self.coming else (0.05, 0.16)
        low, high = kind.height * (0.66 if self.coming else kind.belt), kind.height * 0.96
        near, far = self.z + foot * kind.length, self.z + head * kind.length
        lid = np.concatenate(
            (self._edge(kind.height * kind.belt, 0.08, self.z), self._edge(low, 0.1, near)[::-1])
        )
        canvas.surface(lid, self.paint * 1.08, kind.label, bright * 1.1)
        frame = np.concatenate((self._edge(low, 0.06, near), self._edge(high + 0.05, 0.2, far)[::-1]))
        canvas.surface(frame, self.paint, kind.label, bright)
        glass = np.concatenate((self._edge(low, 0.16, near), self._edge(high, 0.28, far)[::-1]))
        canvas.surface(glass, np.array(_GLASS) * 1.25, kind.label, self.shade)

    def _edge(self, y: float, inset: float, z: float) -> np.ndarray:
        """A line across the vehicle, [2, 3]."""
        half = self.kind.width / 2 - inset
        return np.array([(self.x - half, y, z), (self.x + half, y, z)])

    def _trapezoid(self, y: tuple[float, float], inset: tuple[float, float], z: float) -> np.ndarray:
        return np.concatenate((self._edge(y[0], inset[0], z), self._edge(y[1], inset[1], z)[::-1]))

    def _lights(self, rng: np.random.Generator) -> None:
        kind, canvas = self.kind, self.canvas
        half, belt = kind.width / 2, min(kind.belt, 0.42) * kind.height
        y = (belt * 0.86, belt * 1.06)
        colour = (236, 232, 206) if self.coming else (178, 26, 24) if rng.random() < 0.6 else (236, 60, 44)
        for left in (self.x - half + 0.06, self.x + half - 0.36):
            canvas.surface(box((left, left + 0.3), y, self.z), colour, None)
        middle = 0.27 * kind.height
        if self.coming:
            grille = box((self.x - 0.45, self.x + 0.45), (belt * 0.78, belt), self.z)
            canvas.surface(grille, _TYRE, None, self.shade)
        canvas.surface(
            box((self.x - 0.26, self.x + 0.26), (middle - 0.06, middle + 0.06), self.z), (222, 222, 214), None
        )
