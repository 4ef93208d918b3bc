"""People, and what they ride, in synthetic streets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ms_core.segmentation.streets.canvas import ID, Canvas, ellipse, ground

_SKIN = ((236, 198, 170), (214, 168, 134), (172, 122, 88), (112, 76, 54), (84, 56, 42))
_HAIR = ((38, 28, 24), (74, 50, 34), (138, 104, 62), (170, 166, 160), (24, 22, 24))
_CLOTHES = (
    (36, 40, 54), (58, 74, 112), (150, 44, 46), (204, 200, 192), (92, 96, 98), (60, 92, 70), (186, 142, 66),
    (112, 66, 96), (28, 28, 30), (122, 150, 176), (206, 110, 60), (232, 214, 90),
)  # fmt: skip
_TROUSERS = ((34, 38, 52), (54, 66, 98), (30, 30, 32), (112, 102, 86), (82, 82, 86))
_METAL = (60, 62, 66)
_TYRE = (26, 26, 28)

_HUBS, _CRANK, _SEAT, _HEAD = ((-0.52, 0.34), (0.55, 0.34)), (-0.06, 0.3), (-0.2, 0.86), (0.38, 0.88)
_FRAME = (
    (_HUBS[0], _CRANK), (_CRANK, _SEAT), (_CRANK, _HEAD), (_HUBS[0], (-0.17, 0.74)), ((-0.17, 0.74), _HEAD),
    (_HEAD, _HUBS[1]), (_HEAD, (0.4, 1.02)), ((0.4, 1.02), (0.52, 1.0)),
)  # fmt: skip
"""Bars of a bicycle, metres."""


@dataclass(frozen=True, eq=False)
class _Figure:
    """Local coordinates of something upright: metres right of and above a place on the ground."""

    canvas: Canvas
    x: float
    z: float
    shade: float
    turn: float = 1.0
    """Width it shows: 1 from the side, less turned away; below zero it looks the other way."""

    @property
    def scale(self) -> float:
        return self.canvas.camera.scale(self.z)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Pixels [n, 2] of local points [n, 2]."""
        foot = self.canvas.camera.project(np.array((self.x, 0.0, self.z)))
        return foot + points * np.array((self.turn, -1.0)) * self.scale

    def shape(self, points: list[tuple[float, float]], colour: np.ndarray, label: int) -> None:
        seen = self.canvas.light.on(colour, self.z, self.shade)
        self.canvas.fill(self.pixels(np.array(points)), seen, label)

    def disc(self, centre: tuple[float, float], radius: float, colour: np.ndarray, label: int) -> None:
        middle = self.pixels(np.array([centre]))[0]
        seen = self.canvas.light.on(colour, self.z, self.shade)
        self.canvas.fill(
            ellipse((middle[0], middle[1]), (radius * self.scale, radius * self.scale)), seen, label
        )

    def limb(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        width: float,
        colour: np.ndarray,
        label: int,
    ) -> None:
        """A bar from point to point, as wide in pixels however the figure is turned."""
        a, b = self.pixels(np.array([start, end]))
        along = (b - a) / max(float(np.hypot(*(b - a))), 1e-6)
        across = np.array((-along[1], along[0])) * max(width * self.scale / 2, 0.5)
        corners = np.stack((a - across, a + across, b + across * 0.8, b - across * 0.8))
        self.canvas.fill(corners, self.canvas.light.on(colour, self.z, self.shade), label)


def draw_person(canvas: Canvas, rng: np.random.Generator, x: float, z: float, *, shade: float = 1.0) -> None:
    """Somebody who stands or walks."""
    tall = float(rng.uniform(1.55, 1.9)) if rng.random() < 0.85 else float(rng.uniform(1.0, 1.35))
    figure = _Figure(canvas, x, z, shade, turn=float(rng.choice((-1, 1))))
    coat, trousers, skin, hair = (_pick(rng, among) for among in (_CLOTHES, _TROUSERS, _SKIN, _HAIR))
    label, stride = ID["person"], float(rng.uniform(0, 0.22))
    canvas.darken(ground((x - 0.35, x + 0.35), (z - 0.25, z + 0.3)), 0.6)
    hip, chest, neck = 0.5 * tall, 0.74 * tall, 0.84 * tall
    wide = float(rng.uniform(0.19, 0.26)) * tall / 1.75
    if rng.random() < 0.18:
        figure.shape(
            [(-wide, 0.28 * tall), (wide, 0.28 * tall), (0.6 * wide, 0.6 * tall), (-0.6 * wide, 0.6 * tall)],
            coat,
            label,
        )
        trousers = skin
    for step, tone in ((-stride, 0.85), (stride, 1.0)):
        knee = (step * 0.6 + 0.03, 0.27 * tall)
        figure.limb((step * 0.2, hip), knee, 0.17 * tall / 1.75, trousers * tone, label)
        figure.limb(knee, (step, 0.04), 0.13 * tall / 1.75, trousers * tone, label)
        figure.shape(
            [(step - 0.07, 0), (step + 0.17, 0), (step + 0.13, 0.08), (step - 0.07, 0.1)],
            np.array((30, 28, 28)),
            label,
        )
    swing = stride * 0.8
    figure.limb((-0.6 * wide, 0.8 * tall), (-wide - swing * 0.4, 0.46 * tall), 0.1, coat * 0.78, label)
    torso = [(-0.75 * wide, hip - 0.06), (0.75 * wide, hip - 0.06), (0.85 * wide, chest), (0.95 * wide, 0.8 * tall),
             (0.3 * wide, neck), (-0.3 * wide, neck), (-0.95 * wide, 0.8 * tall), (-0.85 * wide, chest)]  # fmt: skip
    figure.shape(torso, coat, label)
    figure.limb((0.8 * wide, 0.8 * tall), (wide + swing * 0.4, 0.47 * tall), 0.1, coat * 0.88, label)
    figure.disc((wide + swing * 0.4, 0.45 * tall), 0.05, skin, label)
    if rng.random() < 0.3:
        bag = _pick(rng, _CLOTHES)
        figure.shape(
            [
                (-1.35 * wide, hip),
                (-0.7 * wide, hip),
                (-0.7 * wide, 0.78 * tall),
                (-1.25 * wide, 0.78 * tall),
            ],
            bag,
            label,
        )
    _head(figure, (0.02, 0.915 * tall), 0.085 * tall / 1.2, skin, hair, label)


def draw_rider(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, *, motor: bool = False, shade: float = 1.0
) -> None:
    """Somebody on a bicycle or a motorcycle, seen from the side, from behind, or between."""
    turn = float(rng.choice((-1, 1)) * rng.uniform(0.3, 1.0))
    figure = _Figure(canvas, x, z, shade, turn)
    coat, trousers, skin = (_pick(rng, among) for among in (_CLOTHES, _TROUSERS, _SKIN))
    label = ID["rider"]
    lean = 0.0 if motor else 0.1
    far_knee, near_knee = (0.22, 0.62), (0.3, 0.7)
    hip, shoulder, hand = (-0.16, 0.92), (0.14 + lean, 1.42), (0.5, 1.0)
    figure.limb(hip, far_knee, 0.16, trousers * 0.75, label)
    figure.limb(far_knee, (0.06, 0.24), 0.12, trousers * 0.75, label)
    draw_cycle(canvas, rng, x, z, motor=motor, shade=shade, turn=turn)
    figure.limb(hip, near_knee, 0.18, trousers, label)
    figure.limb(near_knee, (0.16, 0.34), 0.13, trousers, label)
    wide = 0.1 + 0.12 * (1 - abs(turn))
    figure.limb(hip, shoulder, 0.32 + wide, coat, label)
    figure.limb((shoulder[0], shoulder[1] - 0.04), (0.38, 1.12), 0.11, coat * 0.85, label)
    figure.limb((0.38, 1.12), hand, 0.09, coat * 0.85, label)
    helmet = _pick(rng, _CLOTHES) if motor or rng.random() < 0.6 else _pick(rng, _HAIR)
    _head(figure, (shoulder[0] + 0.07, 1.62), 0.13, skin, helmet, label)


def draw_cycle(
    canvas: Canvas,
    rng: np.random.Generator,
    x: float,
    z: float,
    *,
    motor: bool = False,
    shade: float = 1.0,
    turn: float = 1.0,
) -> None:
    """A bicycle or motorcycle without its rider."""
    figure = _Figure(canvas, x, z, shade, turn)
    label, paint = ID["motorcycle" if motor else "bicycle"], _pick(rng, _CLOTHES)
    radius, tyre = (0.31, 0.16) if motor else (0.34, 0.05)
    width = max(abs(turn), 0.18) * radius
    canvas.darken(ground((x - 0.9 * abs(turn) - 0.1, x + 0.9 * abs(turn) + 0.1), (z - 0.2, z + 0.25)), 0.62)
    for middle in (-0.52, 0.55):
        centre = figure.pixels(np.array([(middle, radius)]))[0]
        radii = (width * figure.scale, radius * figure.scale)
        colour = canvas.light.on(_TYRE, z, shade)
        canvas.disc((centre[0], centre[1]), radii, colour, label, ring=tyre * figure.scale)
    if motor:
        body = [
            (-0.75, 0.62),
            (-0.5, 0.82),
            (0.05, 0.78),
            (0.28, 0.95),
            (0.48, 0.86),
            (0.36, 0.42),
            (-0.1, 0.3),
        ]
        figure.shape(body, paint, label)
        figure.limb((0.3, 0.9), (0.56, 0.3), 0.08, np.array(_METAL), label)
        figure.limb((0.3, 1.0), (0.5, 1.05), 0.06, np.array(_METAL), label)
        return
    for start, end in _FRAME:
        figure.limb(start, end, 0.05, paint, label)
    figure.limb((-0.32, 0.9), (-0.08, 0.88), 0.07, np.array(_TYRE), label)


def _head(
    figure: _Figure,
    centre: tuple[float, float],
    radius: float,
    skin: np.ndarray,
    hair: np.ndarray,
    label: int,
) -> None:
    """Hair first, and the face a little before and below it."""
    figure.disc((centre[0] - 0.015, centre[1] + 0.02), radius, hair, label)
    figure.disc((centre[0] + 0.025, centre[1] - 0.025), radius * 0.78, skin, label)


def _pick(rng: np.random.Generator, among: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """One of the colours, a little changed, float64 [3]."""
    return np.array(among[int(rng.integers(len(among)))], np.float64) + rng.integers(-12, 13, 3)
