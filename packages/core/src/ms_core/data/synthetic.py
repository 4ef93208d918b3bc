"""A small detection set made from nothing: coloured shapes on textured ground, as real JPEGs with COCO files.

For demos and end-to-end tests. A seed gives the same pictures on every Python: what is drawn depends on
NumPy's versioned generator and on integer arithmetic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from ms_core.atomic import atomic_write
from ms_core.errors import UserError

SHAPES = ("circle", "square", "triangle", "star", "cross")
"""Shapes that can be drawn, each a class."""
DESCRIPTION = "synthetic shapes of ms-core"
"""In the COCO files' info: by it a folder is known as one that may be written again."""
LARGEST_OVERLAP = 0.2
"""Largest part of a shape's box that another may cover."""

_SIDE = (20, 70)
"""Smallest and largest side of a shape, per cent of the image's."""
_OBJECTS = 4
_TRIES = 30
_QUALITY = 92


@dataclass(frozen=True)
class ShapesSet:
    """Where the set is."""

    train: Path
    """COCO JSON."""
    val: Path
    """COCO JSON."""
    images: Path
    """The folder that the files' names start from; opening finds it by itself."""


def make_shapes(
    folder: Path | str,
    *,
    train: int = 300,
    val: int = 60,
    seed: int = 1,
    size: int = 320,
    classes: Sequence[str] = ("circle", "square", "triangle"),
    colours: Literal["class", "any"] = "class",
    drawn: Sequence[str] | None = None,
) -> ShapesSet:
    """Write the set into `folder`: images/*.jpg, train.json and val.json.

    Every image holds 1 to 4 shapes of 20-70 % of its side, mostly large, that overlap little; boxes are tight
    to the pixel and areas count the shape's pixels.

    Args:
        folder: new or empty, or one that this function wrote.
        train, val: images of each split, >= 1.
        seed: the same seed, sizes and classes give the same files.
        size: width and height of the images, pixels, >= 32.
        classes: some of `SHAPES`.
        colours: "class" gives each class its own range of hues, so that a detector learns within minutes;
            "any" leaves only the outline to tell classes apart.
        drawn: those of `classes` that appear, the others are only in the list of categories; None: all of them.

    Raises:
        UserError: unknown class, or a folder with other things in it.
    """
    unknown = [name for name in classes if name not in SHAPES]
    unknown += [name for name in drawn or () if name not in classes]
    if unknown or not classes:
        raise UserError(f"shapes: no shape '{', '.join(unknown)}'. There are: {', '.join(SHAPES)}.")
    if min(train, val) < 1 or size < 32:
        raise UserError(
            f"shapes: {train} train and {val} val images of {size} pixels; needs >= 1, >= 1, >= 32."
        )
    root = Path(folder)
    shapes = ShapesSet(root / "train.json", root / "val.json", root / "images")
    _claim(root, shapes)
    painter = _Painter(size, tuple(classes), colours, tuple(drawn or classes))
    for number, (file, count) in enumerate(((shapes.train, train), (shapes.val, val))):
        _write_split(file, shapes.images, count, np.random.SeedSequence([seed, number]), painter)
    return shapes


def _claim(root: Path, shapes: ShapesSet) -> None:
    """Make the folders; refuse those of somebody else."""
    if root.is_dir() and any(root.iterdir()) and not _is_ours(shapes.train):
        raise UserError(f"{root}: holds other files. Give a new folder for the synthetic images.")
    shapes.images.mkdir(parents=True, exist_ok=True)


def _is_ours(train: Path) -> bool:
    try:
        return json.loads(train.read_text("utf-8"))["info"]["description"] == DESCRIPTION
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write_split(
    file: Path, images: Path, count: int, seed: np.random.SeedSequence, painter: _Painter
) -> None:
    """Pictures and COCO file of one split; each picture has its own seed, so longer sets start alike."""
    content: dict[str, Any] = {
        "info": {"description": DESCRIPTION},
        "images": [],
        "annotations": [],
        "categories": [{"id": label, "name": name} for label, name in enumerate(painter.classes, start=1)],
    }
    for index, image_seed in enumerate(seed.spawn(count)):
        picture, objects = painter.paint(np.random.default_rng(image_seed))
        name = f"{file.stem}-{index:05d}.jpg"
        _write_jpeg(images / name, picture)
        image = {"id": index + 1, "file_name": name, "width": painter.size, "height": painter.size}
        content["images"].append(image)
        for item in objects:
            content["annotations"].append(
                {"id": len(content["annotations"]) + 1, "image_id": index + 1, **item}
            )
    with atomic_write(file) as handle:
        json.dump(content, handle)


def _write_jpeg(path: Path, picture: np.ndarray) -> None:
    """Encode in memory, then write: cv2.imwrite cannot open every path on Windows."""
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    with atomic_write(path, binary=True) as file:
        file.write(data.tobytes())


@dataclass(frozen=True)
class _Painter:
    size: int
    classes: tuple[str, ...]
    colours: Literal["class", "any"]
    drawn: tuple[str, ...]

    def paint(self, rng: np.random.Generator) -> tuple[np.ndarray, list[dict[str, Any]]]:
        """One picture, uint8 [size, size, 3] RGB, and its annotations without ids."""
        picture = _ground(rng, self.size)
        objects: list[dict[str, Any]] = []
        boxes: list[tuple[int, int, int, int]] = []
        wanted = int(rng.integers(1, _OBJECTS + 1))
        for _ in range(_TRIES):
            label = self.classes.index(self.drawn[int(rng.integers(len(self.drawn)))])
            mask = _shape_mask(rng, self.classes[label], self.size)
            box = _tight_box(mask)
            if all(_covered(box, other) <= LARGEST_OVERLAP for other in boxes):
                _fill(picture, mask, self._colour(rng, label), rng)
                boxes.append(box)
                objects.append(_annotation(label, box, int(mask.sum())))
            if len(boxes) == wanted:
                break
        return picture, objects

    def _colour(self, rng: np.random.Generator, label: int) -> np.ndarray:
        """A clear colour, uint8 [3] RGB. OpenCV counts hues to 180."""
        step = 180 // len(self.classes)
        hue = (
            label * step + int(rng.integers(step * 2 // 3))
            if self.colours == "class"
            else int(rng.integers(180))
        )
        hsv = np.array([[[hue, rng.integers(170, 256), rng.integers(150, 256)]]], dtype=np.uint8)
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]


def _annotation(label: int, box: tuple[int, int, int, int], area: int) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    return {"category_id": label + 1, "bbox": [x0, y0, x1 - x0, y1 - y0], "area": area, "iscrowd": 0}


def _ground(rng: np.random.Generator, size: int) -> np.ndarray:
    """Greyish texture, uint8 [size, size, 3]: a tone with a tint, coarse and fine clouds, and grain."""
    tone = int(rng.integers(50, 206)) + rng.integers(-15, 16, size=3)
    texture = np.broadcast_to(tone, (size, size, 3)).astype(np.int32)
    for cells, channels, strength in ((4, 1, 50), (5, 3, 16), (24, 1, 40)):
        coarse = rng.integers(0, 256, size=(cells, cells, channels), dtype=np.uint8)
        smooth = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR_EXACT)
        texture = texture + (smooth.reshape(size, size, channels).astype(np.int32) - 128) * strength // 128
    texture = texture + rng.integers(-6, 7, size=(size, size, 1))
    return np.clip(texture, 0, 255).astype(np.uint8)


def _fill(picture: np.ndarray, mask: np.ndarray, colour: np.ndarray, rng: np.random.Generator) -> None:
    """Paint `mask` [h, w] in place, with a little noise so that no surface is flat."""
    noise = rng.integers(-10, 11, size=(int(mask.sum()), 1))
    picture[mask] = np.clip(colour.astype(np.int32) + noise, 0, 255).astype(np.uint8)


def _shape_mask(rng: np.random.Generator, name: str, size: int) -> np.ndarray:
    """bool [size, size]: one shape at a random place, turned at random, wholly inside."""
    low, high = (size * percent // 100 for percent in _SIDE)
    side = int(
        max(rng.integers(low, high + 1), rng.integers(low, high + 1))
    )  # the larger of two: mostly large
    left, top = (int(rng.integers(0, size - side + 1)) for _ in range(2))
    mask = np.zeros((size, size), np.uint8)
    if name == "circle":
        cv2.circle(mask, (left + side // 2, top + side // 2), side // 2 - 1, (1,), thickness=-1)
        return mask.astype(bool)
    corners = _turned(_outline(name), int(rng.integers(-20, 21)))
    points = np.array([left, top]) + np.rint((corners + 1) / 2 * (side - 1)).astype(np.int64)
    cv2.fillPoly(mask, [points.astype(np.int32)], (1,))
    return mask.astype(bool)


def _outline(name: str) -> np.ndarray:
    """Corners of a shape around the origin, float64 [n, 2] x y within -1..1, y down."""
    if name == "square":
        return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=np.float64)
    if name == "triangle":
        return np.array([(0, -1), (1, 0.9), (-1, 0.9)])
    if name == "cross":
        arm = 0.35
        quarter = np.array([(-arm, -1), (arm, -1), (arm, -arm)])
        return np.concatenate(
            [quarter @ np.array([[c, s], [-s, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
        )
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 1.0, 0.45)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1) * radius[:, None]


def _turned(corners: np.ndarray, degrees: int) -> np.ndarray:
    """`corners` [n, 2] turned and scaled to fit -1..1 again."""
    angle = np.deg2rad(degrees)
    turned = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return turned / np.abs(turned).max()


def _tight_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """x0 y0 x1 y1 of the pixels that are set, pixel edges."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def _covered(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Part of the smaller box that the two share, 0-1."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
    return max(width, 0) * max(height, 0) / min(areas)
