"""One synthetic street: what is where in it, drawn from far to near, then a camera's faults."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from ms_core.segmentation.streets.canvas import ID, NEAREST, Camera, Canvas, Light
from ms_core.segmentation.streets.ground import END, Side, draw_bonnet, draw_ground, draw_sky, make_plan
from ms_core.segmentation.streets.people import draw_cycle, draw_person, draw_rider
from ms_core.segmentation.streets.sides import (
    draw_barrier,
    draw_hedge,
    draw_house,
    draw_lamp,
    draw_sign,
    draw_traffic_light,
    draw_tree,
)
from ms_core.segmentation.streets.vehicles import KINDS, draw_vehicle

_FINE = 2
"""Times by which a scene is drawn larger than its picture, so that edges come out smooth."""
_IN_SHADOW = 0.66
"""Light that is left in the shadow of houses."""
_GRAIN = {
    "vegetation": 11.0,
    "terrain": 10.0,
    "road": 4.0,
    "sidewalk": 5.0,
    "building": 3.0,
    "wall": 7.0,
    "sky": 0.5,
}
"""Strength of the texture of surfaces, grey levels; others have 2."""


def draw_street(rng: np.random.Generator, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Draw one street.

    Args:
        size: (height, width), pixels.

    Returns:
        The picture, uint8 [H, W, 3] RGB, and Cityscapes label ids, uint8 [H, W].
    """
    scene = _Scene(rng, size[0] * _FINE, size[1] * _FINE)
    scene.draw()
    ids = np.ascontiguousarray(scene.canvas.ids[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE])
    picture = cv2.resize(scene.canvas.picture, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return _as_photo(rng, picture, ids), ids


class _Scene:
    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        self.rng = rng
        camera = Camera(
            focal=(width / 2 + height) * float(rng.uniform(0.72, 0.95)),
            centre=width * float(rng.uniform(0.4, 0.6)),
            horizon=height * float(rng.uniform(0.38, 0.48)),
            height=float(rng.uniform(1.25, 1.7)),
        )
        sun = int(rng.integers(-1, 2))
        grey = float(rng.uniform(0.0, 0.3)) if sun else float(rng.uniform(0.6, 1.0))
        self.zenith = _mix((122, 164, 214), (176, 180, 186), grey)
        red, green, blue = _mix((206, 218, 230), (198, 200, 204), grey).tolist()
        light = Light(sun, (red, green, blue), float(rng.uniform(90, 320)))
        self.canvas = Canvas(camera, light, height, width)
        self.plan = make_plan(rng)
        self.shadow = (0.0, 0.0)
        """From where to where the houses' shadow reaches, x."""
        self.things: list[tuple[float, Callable[[], None]]] = []
        """Distance of each thing in the street, and how it is drawn."""
        self.taken: list[tuple[float, float, float, float]] = []
        """Places on the road that vehicles have, x and z from and to."""

    def draw(self) -> None:
        """Everything, far things first."""
        draw_sky(self.canvas, self.rng, self.zenith)
        draw_ground(self.canvas, self.rng, self.plan)
        for side in self.plan.sides:
            self._draw_houses(side)
        for side in self.plan.sides:
            self._draw_grass(side)
        self._draw_shadow()
        for side in self.plan.sides:
            self._place_posts(side)
            self._place_people(side)
        self._place_parked()
        self._place_traffic()
        for _, thing in sorted(self.things, key=lambda entry: -entry[0]):
            thing()
        if self.rng.random() < 0.6:
            draw_bonnet(self.canvas, self.rng)

    # Along the sides.

    def _draw_houses(self, side: Side) -> None:
        rng = self.rng
        z, usual = float(rng.uniform(-6, 4)), float(rng.uniform(7, 16))
        gaps = 0.15 if rng.random() < 0.75 else 0.6
        blocks: list[tuple[float, float]] = []
        while z < END:
            length = float(rng.uniform(8, 20))
            blocks.append((max(z, NEAREST), z + length))
            z += length + (float(rng.uniform(1, 6)) if rng.random() < 0.25 else 0.0)
        for near, far in reversed([block for block in blocks if block[1] > NEAREST + 0.5]):
            if rng.random() < gaps:
                self._draw_garden(side, near, far)
            else:
                draw_house(self.canvas, rng, side.houses, (near, far), usual * float(rng.uniform(0.7, 1.4)))

    def _draw_garden(self, side: Side, near: float, far: float) -> None:
        """Trees where no house is."""
        for z in np.arange(far - 1, max(near, 3.0), -2.6).tolist():
            x = side.houses + side.sign * float(self.rng.uniform(0.5, 6))
            draw_tree(self.canvas, self.rng, x, z, float(self.rng.uniform(4, 10)))

    def _draw_grass(self, side: Side) -> None:
        """Hedges and trees on the grass, and what parts it from the pavement."""
        rng, room = self.rng, abs(side.houses - side.walk)
        places = rng.uniform(6, 80, int(rng.integers(0, 9))) if room > 1.5 else np.zeros(0)
        for z in np.sort(places)[::-1].tolist():
            x = side.walk + side.sign * float(rng.uniform(0.8, room - 0.2))
            if rng.random() < 0.5:
                draw_tree(self.canvas, rng, x, z, float(rng.uniform(3.5, 8)))
            else:
                draw_hedge(
                    self.canvas, rng, x, (z, z + float(rng.uniform(2, 9))), float(rng.uniform(0.7, 1.6))
                )
        if rng.random() < 0.5:
            near = float(rng.uniform(2, 30))
            x, far = side.walk + 0.1 * side.sign, near + float(rng.uniform(6, 30))
            draw_barrier(self.canvas, rng, x, (near, far), wall=bool(rng.random() < 0.45))

    def _draw_shadow(self) -> None:
        """Houses on the side of the sun throw theirs over the pavement and a part of the road."""
        sun = self.canvas.light.sun
        if sun == 0 or self.rng.random() < 0.3:
            return
        side = self.plan.right if sun > 0 else self.plan.left
        reach = side.walk - side.sign * float(self.rng.uniform(1, 9))
        self.shadow = (min(reach, side.houses), max(reach, side.houses))
        # The edge goes in steps, as houses are of different heights.
        z = np.repeat(np.arange(NEAREST, END, 7.0), 2)[1:]
        x = reach + np.repeat(self.rng.uniform(-1.6, 1.6, len(z) // 2 + 1), 2)[:-1]
        edge = np.stack((x, np.zeros(len(z)), z), axis=1)
        foot = np.array([(side.walk, 0.0, END), (side.walk, 0.0, NEAREST)])
        self.canvas.darken(np.concatenate((edge, foot)), 0.6)

    # In the street.

    def _place_posts(self, side: Side) -> None:
        rng, x = self.rng, side.kerb + 0.5 * side.sign
        for z in np.arange(float(rng.uniform(6, 20)), 90, float(rng.uniform(18, 30))).tolist():
            self._add(draw_lamp, x, z)
        for z in rng.uniform(7, 45, int(rng.integers(0, 4))).tolist():
            self._add(draw_sign, x, z)
        if rng.random() < 0.45:
            crossing = float(rng.uniform(9, 26))
            for z in (crossing, crossing + 9):
                self._add(draw_traffic_light, x, z)
        if rng.random() < 0.4:
            height, step = float(rng.uniform(4.5, 8)), float(rng.uniform(7, 13))
            for z in np.arange(float(rng.uniform(8, 16)), 85, step).tolist():
                self._add(draw_tree, x + 0.4 * side.sign, z, height=height)

    def _place_people(self, side: Side) -> None:
        rng, span = self.rng, abs(side.walk - side.kerb)
        for _ in range(int(rng.poisson(3.0))):
            z = float(rng.uniform(5, 12)) if rng.random() < 0.3 else float(rng.uniform(8, 45))
            x = side.kerb + side.sign * float(rng.uniform(0.7, max(span - 0.3, 0.8)))
            self._add(draw_person, x, z)
            if rng.random() < 0.3:
                self._add(draw_person, x + 0.55, z + 0.2)
        if rng.random() < 0.3:
            for _ in range(int(rng.integers(1, 4))):
                z, motor = float(rng.uniform(6, 25)), bool(rng.random() < 0.35)
                turn = float(rng.uniform(0.4, 1))
                self._add(draw_cycle, side.walk - 0.5 * side.sign, z, motor=motor, turn=turn)

    def _place_parked(self) -> None:
        rng = self.rng
        for side, parking in zip(self.plan.sides, self.plan.parking, strict=True):
            z = float(rng.uniform(3, 9))
            while parking and z < 75:
                if rng.random() < 0.7:
                    x = side.kerb - 1.05 * side.sign
                    self._add_vehicle(self._kind(0.06), x, z, coming=bool(rng.random() < 0.4))
                z += float(rng.uniform(5.2, 7.5))

    def _place_traffic(self) -> None:
        rng, plan = self.rng, self.plan
        if plan.lanes > 1 and rng.random() < 0.15:
            self._add_vehicle("tram", -plan.lane * (plan.lanes - 1), float(rng.uniform(10, 35)), coming=True)
        for number in range(plan.lanes):
            z = float(rng.uniform(11, 45)) if number == 0 else float(rng.uniform(5, 40))
            while z < 90 and rng.random() < 0.75:
                x = -plan.lane * number + float(rng.uniform(-0.3, 0.3))
                self._add_vehicle(self._kind(0.3), x, z, coming=number > 0)
                z += float(rng.uniform(12, 40))
        for _ in range(int(rng.poisson(0.9))):
            z, motor = float(rng.uniform(7, 28)), bool(rng.random() < 0.35)
            right, left = plan.right.kerb - plan.parking[1] - 0.6, plan.left.kerb + plan.parking[0] + 0.6
            x = right if rng.random() < 0.6 else left
            if self._claim(x, z, 0.8, 1.2):
                self._add(draw_rider, x, z, motor=motor)

    def _kind(self, large: float) -> str:
        """A car, or with this chance something larger."""
        among = (
            ("truck", "bus", "van") if self.rng.random() < large else ("car", "estate", "sedan", "car", "van")
        )
        return str(self.rng.choice(among))

    def _add_vehicle(self, kind: str, x: float, z: float, *, coming: bool) -> None:
        if self._claim(x, z, KINDS[kind].width, KINDS[kind].length):
            self._add(draw_vehicle, x, z, name=kind, coming=coming)

    def _claim(self, x: float, z: float, width: float, length: float) -> bool:
        """Whether a place on the road is free; takes it."""
        x0, x1, z0, z1 = x - width / 2, x + width / 2, z, z + length
        clash = any(x0 < o[1] and o[0] < x1 and z0 < o[3] and o[2] < z1 for o in self.taken)
        if not clash:
            self.taken.append((x0, x1, z0, z1))
        return not clash

    def _add(self, draw: Callable[..., None], x: float, z: float, **options: object) -> None:
        """Something to be drawn when everything farther away is there."""
        shade = _IN_SHADOW if self.shadow[0] < x < self.shadow[1] else 1.0
        self.things.append((z, partial(draw, self.canvas, self.rng, x=x, z=z, shade=shade, **options)))


def _as_photo(rng: np.random.Generator, picture: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Texture of the surfaces, blotches, exposure and white balance, sharpness, noise."""
    height, width = ids.shape
    strength = np.full(256, 2.0, np.float32)
    for name, value in _GRAIN.items():
        strength[ID[name]] = value
    fine = rng.integers(-128, 128, (height, width), np.int8).astype(np.float32) / 74
    blotches = rng.standard_normal((9, 17)).astype(np.float32)
    coarse = cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC)
    texture = strength[ids] * (0.6 * fine + 1.4 * cv2.GaussianBlur(fine, (0, 0), 1.2) + 0.8 * coarse)
    balance = rng.uniform(0.94, 1.06, 3) * float(rng.uniform(0.72, 1.14))
    light = (picture + texture[..., None]) * balance.astype(np.float32)
    light = cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.35, 0.7)))
    noise = rng.integers(-128, 128, light.shape, np.int8) * np.float32(rng.uniform(0.01, 0.05))
    return np.clip(light + noise, 0, 255).astype(np.uint8)


def _mix(one: tuple[float, ...], other: tuple[float, ...], share: float) -> np.ndarray:
    return np.array(one) * (1 - share) + np.array(other) * share
