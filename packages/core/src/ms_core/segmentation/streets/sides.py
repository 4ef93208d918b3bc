"""What stands beside synthetic streets: houses, trees, walls, fences, poles, lights and signs."""

from __future__ import annotations

import numpy as np

from ms_core.segmentation.streets.canvas import ID, Canvas, box, circle, ellipse, ground, panel, panels

_PLASTER = (
    (206, 188, 150), (190, 150, 112), (214, 206, 190), (168, 160, 150), (150, 92, 74), (186, 120, 92),
    (128, 132, 138), (220, 196, 160), (160, 170, 160), (196, 168, 140), (108, 96, 90), (178, 186, 194),
)  # fmt: skip
_ROOFS = ((128, 62, 46), (92, 60, 52), (72, 74, 80), (104, 96, 92))
_PANES = ((46, 56, 70), (64, 78, 94), (88, 104, 120))
_LEAVES = ((62, 96, 40), (78, 110, 46), (50, 84, 46), (98, 120, 52), (112, 108, 46), (70, 88, 58))
_TRUNK = (70, 56, 44)
_STEEL = ((108, 112, 116), (74, 78, 82), (140, 142, 142), (62, 70, 66))
_SHOPS = ((168, 40, 40), (36, 76, 128), (48, 98, 70), (206, 160, 60), (60, 58, 62), (220, 214, 204))
_DETAIL = 3.0
"""Pixels a metre below which windows are left out."""


def draw_house(
    canvas: Canvas, rng: np.random.Generator, x: float, z: tuple[float, float], height: float
) -> None:
    """A house whose facade stands along the street at `x`, from near to far `z`."""
    paint = _pick(rng, _PLASTER)
    side, bright = (1.0 if x > 0 else -1.0), canvas.light.shade(x)
    depth = x + side * float(rng.uniform(8, 12))
    if rng.random() < 0.55:
        roof = _pick(rng, _ROOFS)
        ridge, top = x + 3.0 * side, height + 2.6
        slope = np.array([(x, height, z[0]), (x, height, z[1]), (ridge, top, z[1]), (ridge, top, z[0])])
        canvas.surface(slope, roof, ID["building"], bright)
        gable = np.array([(x, height, z[0]), (ridge, top, z[0]), (depth, height, z[0])])
        canvas.surface(gable, paint * 0.9, ID["building"], canvas.light.shade(x, "camera"))
    end = box((x, depth), (0, height), z[0])
    canvas.surface(end, paint * 0.92, ID["building"], canvas.light.shade(x, "camera"))
    # In slices, so that haze thickens along a long facade.
    for near, far in _slices(z):
        canvas.surface(panel(x, (0, height), (near, far)), paint, ID["building"], bright)
    if canvas.camera.scale(z[0]) > _DETAIL:
        _windows(canvas, rng, x, z, height, bright, paint)


def _windows(
    canvas: Canvas,
    rng: np.random.Generator,
    x: float,
    z: tuple[float, float],
    height: float,
    bright: float,
    paint: np.ndarray,
) -> None:
    """Rows of windows with frames, ledges between the floors, and sometimes shops below."""
    floor = float(rng.uniform(2.9, 3.5))
    width, gap = float(rng.uniform(0.9, 1.5)), float(rng.uniform(1.0, 1.9))
    starts = np.arange(z[0] + 0.7 * gap, z[1] - width - 0.3, width + gap)
    floors = np.arange(floor if rng.random() < 0.5 else 0.3, height - 2.2, floor)
    shop = floors.size > 0 and floors[0] > 1
    if starts.size == 0 or floors.size == 0:
        return
    columns = np.stack((starts, starts + width), axis=1)
    sill, tall = 0.8, float(rng.uniform(1.4, 1.9))
    rows = np.stack((floors + sill, floors + sill + tall), axis=1)
    frame = paint * 1.22 if rng.random() < 0.6 else paint * 0.7
    canvas.surface(
        panels(x, rows + np.array((-0.14, 0.12)), columns + np.array((-0.12, 0.12))), frame, None, bright
    )
    panes = panels(x, rows, columns)
    tones = rng.integers(len(_PANES), size=len(panes))
    for tone, colour in enumerate(_PANES):
        if (tones == tone).any():
            canvas.surface(panes[tones == tone], colour, None, max(bright, 0.8))
    if rng.random() < 0.5:
        ledges = panels(x, np.stack((floors, floors + 0.16), axis=1), np.array([z]))
        canvas.surface(ledges, paint * 0.82, None, bright)
    if shop:
        _shop(canvas, rng, x, z, bright)


def _shop(canvas: Canvas, rng: np.random.Generator, x: float, z: tuple[float, float], bright: float) -> None:
    colour = _pick(rng, _SHOPS)
    canvas.surface(panel(x, (0, 0.5), z), colour * 0.5, None, bright)
    canvas.surface(panel(x, (0.5, 2.4), (z[0] + 0.4, z[1] - 0.4)), (58, 64, 70), None, max(bright, 0.8))
    posts = np.arange(z[0], z[1], 2.4)
    canvas.surface(
        panels(x, np.array([(0, 2.5)]), np.stack((posts, posts + 0.3), axis=1)), colour * 0.7, None, bright
    )
    canvas.surface(panel(x, (2.4, 2.95), z), colour, None, bright)


def draw_tree(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, height: float, *, shade: float = 1.0
) -> None:
    """A trunk and a crown of leaves, dark below and bright above."""
    centre, radius = height * 0.66, height * float(rng.uniform(0.26, 0.34))
    thick = 0.025 * height + 0.04
    trunk = np.array(
        [(x - thick, 0, z), (x + thick, 0, z), (x + 0.6 * thick, centre, z), (x - 0.6 * thick, centre, z)]
    )
    canvas.surface(trunk, _TRUNK, ID["vegetation"], shade)
    _leaves(canvas, rng, (x, centre, z), (radius, radius * float(rng.uniform(0.9, 1.3))), 26, shade)


def draw_hedge(
    canvas: Canvas,
    rng: np.random.Generator,
    x: float,
    z: tuple[float, float],
    height: float,
    *,
    shade: float = 1.0,
) -> None:
    """Bushes in a row along the street."""
    for middle in np.arange(z[1], z[0], -0.9 * height):
        _leaves(canvas, rng, (x, 0.45 * height, float(middle)), (0.62 * height, 0.55 * height), 9, shade)


def _leaves(
    canvas: Canvas,
    rng: np.random.Generator,
    centre: tuple[float, float, float],
    radii: tuple[float, float],
    count: int,
    shade: float,
) -> None:
    """A cloud of leafy balls, those below and away from the light first."""
    colour = _pick(rng, _LEAVES)
    scale = canvas.camera.scale(centre[2])
    count = max(4, min(count, int(scale * radii[0] / 2)))
    turn, far = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0, 1, count))
    places = np.stack((np.cos(turn) * far * radii[0], np.sin(turn) * far * radii[1]), axis=1) * 0.82
    tones = 0.86 + 0.3 * places[:, 1] / radii[1] - 0.1 * canvas.light.sun * places[:, 0] / radii[0]
    sizes = rng.uniform(0.3, 0.5, count) * min(radii) * (1 + 4 / count)
    order = np.argsort(tones + rng.uniform(-0.12, 0.12, count))
    tones += rng.uniform(-0.07, 0.07, count)
    outline = circle(min(max(int(scale * sizes.max()), 7), 32))
    ragged = outline * rng.uniform(0.82, 1.22, (count, len(outline), 1)) * (sizes * scale)[:, None, None]
    balls = ragged + (places * (1, -1) * scale)[:, None] + canvas.camera.project(np.array(centre))
    for index in order.tolist():
        canvas.fill(balls[index], canvas.light.on(colour * tones[index], centre[2], shade), ID["vegetation"])


def draw_barrier(
    canvas: Canvas,
    rng: np.random.Generator,
    x: float,
    z: tuple[float, float],
    *,
    wall: bool,
    shade: float = 1.0,
) -> None:
    """A wall, or a fence that shows what is behind it, along the street."""
    height = float(rng.uniform(0.9, 2.2))
    bright = shade * min(1.05, canvas.light.shade(x))
    if wall:
        paint = _pick(rng, _PLASTER) * 0.86
        for near, far in _slices(z):
            canvas.surface(panel(x, (0, height), (near, far)), paint, ID["wall"], bright)
        canvas.surface(panel(x, (height - 0.12, height), z), paint * 1.2, None, bright)
        canvas.surface(
            box((x, x + (0.3 if x > 0 else -0.3)), (0, height), z[0]), paint * 0.85, ID["wall"], shade
        )
        return
    paint = _pick(rng, _STEEL) if rng.random() < 0.6 else _pick(rng, ((118, 88, 60), (210, 206, 196)))
    canvas.fill_label(canvas.camera.project(panel(x, (0, height), z)), ID["fence"])
    pickets = np.arange(z[0], z[1], float(rng.uniform(0.22, 0.45)))
    bars = panels(x, np.array([(0.05, height)]), np.stack((pickets, pickets + 0.09), axis=1))
    canvas.surface(bars, paint, None, bright)
    rails = panels(x, np.array([(0.18, 0.3), (height - 0.2, height - 0.06)]), np.array([z]))
    canvas.surface(rails, paint * 0.9, None, bright)


def draw_lamp(canvas: Canvas, rng: np.random.Generator, x: float, z: float, *, shade: float = 1.0) -> None:
    """A lamp post whose arm reaches over the road."""
    height, paint = float(rng.uniform(5.5, 8.0)), _pick(rng, _STEEL)
    over = x - (1.6 if x > 0 else -1.6)
    _post(canvas, x, z, height, 0.09, paint, shade)
    arm = np.array(
        [(x, height - 0.1, z), (over, height + 0.25, z), (over, height + 0.35, z), (x, height + 0.05, z)]
    )
    canvas.surface(arm, paint, ID["pole"], shade)
    head = box(
        (min(over, over + (0.5 if x < 0 else -0.5)), max(over, over + (0.5 if x < 0 else -0.5))),
        (height + 0.12, height + 0.36),
        z,
    )
    canvas.surface(head, (206, 206, 196), ID["pole"], shade)


def draw_traffic_light(
    canvas: Canvas, rng: np.random.Generator, x: float, z: float, *, shade: float = 1.0
) -> None:
    """Three lamps in a dark box on a pole, one of them lit."""
    height = float(rng.uniform(2.9, 3.6))
    _post(canvas, x, z, height, 0.07, _pick(rng, _STEEL), shade)
    canvas.surface(
        box((x - 0.19, x + 0.19), (height - 0.95, height + 0.05), z), (30, 32, 32), ID["traffic light"], 1.0
    )
    scale, lit = canvas.camera.scale(z), int(rng.integers(3))
    lamps = (((255, 60, 44), (70, 26, 24)), ((255, 190, 50), (72, 56, 22)), ((60, 235, 150), (20, 60, 44)))
    for number, (on, off) in enumerate(lamps):
        centre = canvas.camera.project(np.array((x, height - 0.14 - 0.31 * number, z)))
        colour = on if number == lit else off
        canvas.disc((centre[0], centre[1]), (0.125 * scale, 0.125 * scale), colour)


def draw_sign(canvas: Canvas, rng: np.random.Generator, x: float, z: float, *, shade: float = 1.0) -> None:
    """A traffic sign on a pole: round, triangular, square or a blue board."""
    height = float(rng.uniform(2.1, 2.7))
    _post(canvas, x, z, height + 0.3, 0.05, _pick(rng, _STEEL), shade)
    scale = canvas.camera.scale(z)
    across, up = canvas.camera.project(np.array((x, height, z)))
    label, size = ID["traffic sign"], 0.36 * scale
    rims = {"stop": (176, 30, 34), "blue": (30, 76, 150), "yellow": (226, 176, 40), "warning": (176, 30, 34)}
    kind = str(rng.choice(("stop", "blue", "yellow", "warning", "board")))
    if kind == "board":
        wide = float(rng.uniform(0.6, 1.1))
        canvas.surface(
            box((x - wide, x + wide), (height - 0.4, height + 0.4), z), (28, 84, 140), label, shade
        )
        canvas.surface(
            box((x - 0.7 * wide, x + 0.6 * wide), (height + 0.08, height + 0.18), z),
            (226, 230, 232),
            None,
            shade,
        )
        canvas.surface(
            box((x - 0.7 * wide, x + 0.3 * wide), (height - 0.2, height - 0.1), z),
            (226, 230, 232),
            None,
            shade,
        )
        return
    for part, colour in (
        (1.0, rims[kind]),
        (0.68, (232, 232, 226) if kind in ("stop", "warning") else rims[kind]),
    ):
        outline = _sign_outline(kind, size * part) + np.array((across, up))
        canvas.fill(outline, canvas.light.on(colour, z, max(shade, 0.85)), label)
    mark = ellipse((across, up), (0.35 * size, 0.14 * size))
    canvas.fill(mark, (236, 236, 232) if kind == "blue" else (40, 40, 44))


def _sign_outline(kind: str, size: float) -> np.ndarray:
    if kind == "warning":
        return np.array([(0, -1.1), (1.0, 0.7), (-1.0, 0.7)]) * size
    if kind == "yellow":
        return np.array([(0, -1.0), (1.0, 0), (0, 1.0), (-1.0, 0)]) * size
    return ellipse((0.0, 0.0), (size, size))


def _post(
    canvas: Canvas, x: float, z: float, height: float, half: float, paint: np.ndarray, shade: float
) -> None:
    """An upright pole, never thinner than a pixel of the finished picture."""
    half = max(half, 1.1 / canvas.camera.scale(z))
    canvas.surface(box((x - half, x + half), (0, height), z), paint, ID["pole"], shade)
    canvas.surface(box((x - half, x - 0.2 * half), (0, height), z), paint * 1.2, None, shade)
    canvas.darken(ground((x - 0.2, x + 0.2), (z - 0.1, z + 0.1)), 0.7)


def _slices(z: tuple[float, float]) -> list[tuple[float, float]]:
    edges = np.linspace(z[0], z[1], max(2, round((z[1] - z[0]) / 6) + 1))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))[::-1]


def _pick(rng: np.random.Generator, among: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """One of the colours, a little changed, float64 [3]."""
    return np.array(among[int(rng.integers(len(among)))], np.float64) + rng.integers(-12, 13, 3)
