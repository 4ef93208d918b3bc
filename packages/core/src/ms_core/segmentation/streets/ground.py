"""The sky, the far end and the ground of synthetic streets, and the bonnet of the own car."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ms_core.segmentation.streets.canvas import ID, NEAREST, Canvas, circle, ground

END = 110.0
"""Metres to the end of a street."""

_WIDE = 60.0
"""Metres to both sides that the ground is drawn."""


@dataclass(frozen=True)
class Side:
    """One side of the street: columns x of its lines, metres, with the sign of the side."""

    kerb: float
    walk: float
    """Outer edge of the pavement; between it and the houses lies grass, if there is room."""
    houses: float

    @property
    def sign(self) -> float:
        """-1 on the left, 1 on the right."""
        return 1.0 if self.kerb > 0 else -1.0


@dataclass(frozen=True)
class Plan:
    """A street seen from above."""

    left: Side
    right: Side
    lanes: int
    """The camera's own, and to its left those that come towards it."""
    lane: float
    """Width of each, metres."""
    parking: tuple[float, float]
    """Width of the parked cars' lane, left and right, metres; 0: there is none."""

    @property
    def sides(self) -> tuple[Side, Side]:
        """Left and right."""
        return self.left, self.right


def make_plan(rng: np.random.Generator) -> Plan:
    """A street of 1 to 3 lanes."""
    lanes, lane = int(rng.integers(1, 4)), float(rng.uniform(2.9, 3.5))
    parking = (2.2 * bool(rng.random() < 0.6), 2.2 * bool(rng.random() < 0.6))
    sides = []
    for sign, kerb in ((-1.0, lane * (lanes - 0.5) + parking[0]), (1.0, lane / 2 + 0.4 + parking[1])):
        walk = kerb + float(rng.uniform(1.8, 4.2))
        houses = walk + (float(rng.uniform(2.0, 7.0)) if rng.random() < 0.45 else 0.0)
        sides.append(Side(sign * kerb, sign * walk, sign * houses))
    return Plan(sides[0], sides[1], lanes, lane, parking)


def draw_sky(canvas: Canvas, rng: np.random.Generator, zenith: np.ndarray) -> None:
    """The sky with its clouds, and what closes the street in the haze: trees or houses."""
    width = canvas.ids.shape[1]
    canvas.ids[:] = ID["sky"]
    end = int(canvas.camera.horizon) + 2
    small = (end // 4 + 1, width // 4)
    down = (np.linspace(0, 1, small[0], dtype=np.float32) ** 1.3)[:, None, None]
    haze = np.array(canvas.light.haze, np.float32)
    clear = zenith.astype(np.float32) * (1 - down) + haze * down
    clouds = _clouds(rng, small)[..., None] * np.float32(rng.uniform(0.2, 0.9))
    sky = clear * (1 - clouds) + np.array((238, 240, 242), np.float32) * clouds
    canvas.picture[:end] = cv2.resize(sky.astype(np.uint8), (width, end), interpolation=cv2.INTER_LINEAR)
    canvas.picture[end:] = canvas.light.haze
    _draw_far_end(canvas, rng)


def _draw_far_end(canvas: Canvas, rng: np.random.Generator) -> None:
    width, horizon = canvas.ids.shape[1], canvas.camera.horizon
    leafy = bool(rng.random() < 0.6)
    label, colour = (ID["vegetation"], (84, 104, 70)) if leafy else (ID["building"], (150, 146, 142))
    columns = np.linspace(0, width, 60 if leafy else 24)
    heights = rng.uniform(4, 11, len(columns)) * canvas.camera.scale(END)
    if not leafy:  # steps
        columns, heights = np.repeat(columns, 2)[1:], np.repeat(heights, 2)[:-1]
    outline = np.stack((columns, horizon - heights), axis=1)
    foot = np.array([(width, horizon + 3.0), (0.0, horizon + 3.0)])
    canvas.fill(np.concatenate((outline, foot)), canvas.light.on(colour, END), label)


def draw_ground(canvas: Canvas, rng: np.random.Generator, plan: Plan) -> None:
    """Road, pavements and grass, with kerbs, joints, patches and markings."""
    grass, stones = _vary(rng, (104, 118, 70)), _vary(rng, (150, 146, 142))
    asphalt = _vary(rng, (104, 104, 108)) * float(rng.uniform(0.75, 1.15))
    for z in _bands():
        for side in plan.sides:
            canvas.surface(ground((side.walk, side.sign * _WIDE), z), grass, ID["terrain"])
            canvas.surface(ground((side.kerb, side.walk), z), stones, ID["sidewalk"])
        canvas.surface(ground((plan.left.kerb, plan.right.kerb), z), asphalt, ID["road"])
    for side in plan.sides:
        canvas.surface(ground((side.kerb, side.kerb + 0.18 * side.sign), (NEAREST, END)), stones * 1.2, None)
        if rng.random() < 0.7:
            joints = np.arange(2.0, 40.0, float(rng.uniform(0.6, 1.5))).tolist()
            bars = np.stack([ground((side.kerb, side.walk), (z, z + 0.05)) for z in joints])
            canvas.surface(bars, stones * 0.86, None)
    _mend(canvas, rng, plan, asphalt)
    _mark(canvas, rng, plan)


def _mend(canvas: Canvas, rng: np.random.Generator, plan: Plan, asphalt: np.ndarray) -> None:
    """Patches and manholes."""
    left, right = plan.left.kerb, plan.right.kerb
    for _ in range(int(rng.integers(0, 6))):
        x, z = float(rng.uniform(left, right)), float(rng.uniform(4, 35))
        edge = min(x + float(rng.uniform(0.5, 2.5)), right)
        tone = asphalt * float(rng.uniform(0.82, 1.12))
        canvas.surface(ground((x, edge), (z, z + float(rng.uniform(0.8, 7)))), tone, None)
    for _ in range(int(rng.integers(0, 4))):
        x, z = float(rng.uniform(left + 0.5, right - 0.5)), float(rng.uniform(5, 30))
        rim = circle(14) * 0.32
        points = np.stack((x + rim[:, 0], np.zeros(14), z + rim[:, 1]), axis=1)
        canvas.surface(points, asphalt * 0.6, None)


def _mark(canvas: Canvas, rng: np.random.Generator, plan: Plan) -> None:
    """Lane markings and, here and there, a zebra crossing."""
    paint, phase = _vary(rng, (206, 206, 202)), float(rng.uniform(0, 8))
    for number in range(plan.lanes):
        solid = bool(rng.random() < 0.3)
        if number == plan.lanes - 1 and not plan.parking[0]:
            continue  # the kerb is the edge
        x = -plan.lane * (number + 0.5)
        starts = np.arange(NEAREST if solid else 1 + phase, END, 8.0)
        dashes = np.stack(
            [ground((x - 0.07, x + 0.07), (z, z + (8.0 if solid else 3.5))) for z in starts.tolist()]
        )
        canvas.surface(dashes[starts < 28], paint, None)
        canvas.surface(dashes[starts >= 28], paint * 0.9, None)
    if rng.random() < 0.35:
        z = float(rng.uniform(8, 26))
        bars = np.arange(plan.left.kerb + 0.4, plan.right.kerb - 0.6, 1.0).tolist()
        canvas.surface(np.stack([ground((x, x + 0.5), (z, z + 3.2)) for x in bars]), paint, None)


def draw_bonnet(canvas: Canvas, rng: np.random.Generator) -> None:
    """The own car at the lower edge, which counts nowhere."""
    height, width = canvas.ids.shape
    top = height * float(rng.uniform(0.9, 0.955))
    across = np.linspace(-0.05, 1.05, 40)
    rows = top + (height - top) * (2 * across - 1) ** 4 * 0.75
    outline = np.stack((across * width, rows), axis=1)
    foot = np.array([(1.05 * width, height + 4.0), (-0.05 * width, height + 4.0)])
    colour = _vary(rng, (56, 58, 62))
    canvas.fill(np.concatenate((outline, foot)), colour, ID["ego vehicle"])
    upper, lower = (outline + np.array((0, share * height)) for share in (0.012, 0.03))
    canvas.fill(np.concatenate((upper, lower[::-1])), colour * 1.5)


def _clouds(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Soft patches, 0-1, float32 of this (height, width)."""
    total = np.zeros(size, np.float32)
    for cells, share in ((3, 0.5), (6, 0.3), (14, 0.2)):
        patch = rng.uniform(0, 1, (cells, 2 * cells)).astype(np.float32)
        total += share * cv2.resize(patch, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip((total - 0.42) * 3.2, 0, 1)


def _bands() -> list[tuple[float, float]]:
    """Stretches of the ground, far ones first and longer: each has one tone of haze."""
    edges = np.concatenate((np.geomspace(NEAREST, END, 14), [600.0])).tolist()
    return list(pairwise(edges))[::-1]


def _vary(rng: np.random.Generator, colour: tuple[int, int, int]) -> np.ndarray:
    return np.array(colour, np.float64) + rng.integers(-12, 13) + rng.integers(-5, 6, 3)
