"""Pictures for people: boxes with labels, truth beside prediction, contact sheets. RGB uint8 in and out."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ms_core.atomic import atomic_write
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.label_font import Font, label_font

Colour = tuple[int, int, int]
Area = tuple[int, int, int, int]  # left, top, right, bottom, ends included

_GOLDEN_RATIO = 0.618033988749895
_PAPER = 40
"""Grey level of what lies between pictures, 0-255."""


@lru_cache(maxsize=4096)
def class_colour(label: int) -> Colour:
    """A colour that stays the same for a label and differs from its neighbours', RGB 0-255."""
    # Steps of the golden ratio never come close to an earlier hue; every round also changes lightness.
    hue = (0.02 + label * _GOLDEN_RATIO) % 1
    saturation, value = ((0.85, 1.0), (0.6, 1.0), (0.9, 0.75))[label % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_detections(
    image: np.ndarray,
    boxes: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray | None,
    classes: Sequence[str],
    *,
    colours: Sequence[Colour] | None = None,
    dashed: np.ndarray | None = None,
) -> np.ndarray:
    """Draw boxes with a plate "class score" each, the best on top.

    Args:
        image: uint8 [H, W, 3] RGB; left as it is.
        boxes: [n, 4] as (x0, y0, x1, y1), pixels; clipped to the picture. Boxes that are not finite are left
            out. labels: int [n], index into `classes`. scores: [n], 0-1, or None for annotations. classes:
            names; any script that a font at hand can write (see `label_font`).
        colours: of each box; None: its class's.
        dashed: bool [n], boxes with a broken line; None: no box.

    Returns:
        uint8 [H, W, 3] RGB, a new array.
    """
    height, width = image.shape[:2]
    canvas = Image.fromarray(np.ascontiguousarray(image))
    brush = ImageDraw.Draw(canvas)
    style = _Style.for_picture(width, height)
    drawn = _in_picture(boxes, width, height)
    order = [i for i in _best_first(scores, len(drawn)) if np.isfinite(boxes[i]).all()]
    if colours is None:
        colours = [class_colour(int(label)) for label in labels]
    for index in reversed(order):
        broken = dashed is not None and bool(dashed[index])
        draw_box(brush, drawn[index], colours[index], style.line, dashed=broken)
    placed: list[_Plate] = []
    for index in order:
        text = _Text(classes[int(labels[index])], "" if scores is None else f" {scores[index]:.2f}")
        placed.append(_place(text, drawn[index], colours[index], style, placed, (width, height)))
    for plate in reversed(placed):
        plate.draw(brush)
    return np.asarray(canvas).copy()


def truth_and_prediction(
    image: np.ndarray, boxes: np.ndarray, labels: np.ndarray, found: Detections, classes: Sequence[str]
) -> np.ndarray:
    """The picture twice: annotated boxes on the left, detections on the right, uint8 [H, about 2W, 3] RGB."""
    truth = draw_detections(image, boxes, labels, None, classes)
    prediction = draw_detections(image, found.boxes, found.labels, found.scores, classes)
    gap = np.full((image.shape[0], max(4, image.shape[1] // 100), 3), _PAPER, np.uint8)
    return np.concatenate((truth, gap, prediction), axis=1)


def contact_sheet(
    images: Sequence[np.ndarray], columns: int = 4, tile: tuple[int, int] = (400, 400), gap: int = 6
) -> np.ndarray:
    """Many pictures on one page, row by row, each fitted into a tile without changing its shape.

    Args:
        images: uint8 [H, W, 3] RGB of any sizes, at least one.
        columns: pictures in a row.
        tile: (width, height) in pixels.
        gap: pixels around and between.

    Returns:
        uint8 [H, W, 3] RGB.
    """
    if not images:
        raise UserError("contact sheet: there are no pictures to show.")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = np.full((rows * (tile[1] + gap) + gap, columns * (tile[0] + gap) + gap, 3), _PAPER, np.uint8)
    for index, image in enumerate(images):
        fitted = fit_into(image, tile)
        row, column = divmod(index, columns)
        top = gap + row * (tile[1] + gap) + (tile[1] - fitted.shape[0]) // 2
        left = gap + column * (tile[0] + gap) + (tile[0] - fitted.shape[1]) // 2
        sheet[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return sheet


def save_image(path: Path, image: np.ndarray) -> None:
    """Write uint8 [H, W, 3] RGB whole or not at all; the extension decides the format.

    Raises:
        UserError: unknown extension, or the system refuses to write.
    """
    path = Path(path)
    try:
        done, content = cv2.imencode(path.suffix, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    except cv2.error:
        done = False
    if not done:
        raise UserError(f"{path}: {path.suffix or 'no extension'} is not a picture format. Use .jpg or .png.")
    with atomic_write(path, binary=True) as file:
        file.write(content.tobytes())


@dataclass(frozen=True)
class _Style:
    """Sizes that suit a picture, pixels."""

    line: int
    text: int

    @classmethod
    def for_picture(cls, width: int, height: int) -> "_Style":
        side = (width * height) ** 0.5
        return cls(line=max(1, round(side / 260)), text=int(np.clip(side / 38, 10, 72)))


@dataclass(frozen=True)
class _Text:
    """A class name, in any script, and the score behind it."""

    name: str
    score: str

    def fitted(self, size: int, width: int) -> tuple[Font, str]:
        """In the largest font, up to `size`, in which it fits `width`; below 8 pixels it is cut instead."""
        font, name = label_font(self.name, size)
        while font.getlength(name + self.score) > width and size > 8:
            size -= 1
            font, name = label_font(self.name, size)
        written = name + self.score
        while len(written) > 1 and font.getlength(written) > width:
            written = written[:-1]
        return font, written


@dataclass(frozen=True)
class _Plate:
    """A label on its background."""

    area: Area
    text: str
    font: Font
    colour: Colour
    padding: int

    def overlaps(self, other: "_Plate") -> bool:
        (left, top, right, bottom), (x0, y0, x1, y1) = self.area, other.area
        return left <= x1 and x0 <= right and top <= y1 and y0 <= bottom

    def draw(self, brush: ImageDraw.ImageDraw) -> None:
        left, top, _, bottom = self.area
        brush.rectangle(self.area, fill=self.colour)
        middle = (top + bottom + 1) / 2
        brush.text(
            (left + self.padding, middle), self.text, font=self.font, fill=_ink(self.colour), anchor="lm"
        )


def draw_box(
    brush: ImageDraw.ImageDraw, box: np.ndarray, colour: Colour, line: int, *, dashed: bool = False
) -> None:
    """A rectangle with a dark rim, so that it shows on any background.

    Args:
        box: int [4] as (x0, y0, x1, y1), pixels, ends included.
        line: width, pixels.
        dashed: a broken line, dark between the dashes.
    """
    x0, y0, x1, y1 = box.tolist()
    brush.rectangle((x0, y0, x1, y1), outline=(0, 0, 0), width=line + max(1, line // 3))
    if not dashed:
        brush.rectangle((x0, y0, x1, y1), outline=colour, width=line)
        return
    dash, edge = 5 * line + 2, line - 1
    step = dash + 2 * line + 2
    for start in range(x0, x1 + 1, step):
        end = min(start + dash, x1)
        brush.rectangle((start, y0, end, min(y0 + edge, y1)), fill=colour)
        brush.rectangle((start, max(y1 - edge, y0), end, y1), fill=colour)
    for start in range(y0, y1 + 1, step):
        end = min(start + dash, y1)
        brush.rectangle((x0, start, min(x0 + edge, x1), end), fill=colour)
        brush.rectangle((max(x1 - edge, x0), start, x1, end), fill=colour)


def _place(
    label: _Text,
    box: np.ndarray,
    colour: Colour,
    style: _Style,
    placed: Sequence[_Plate],
    picture: tuple[int, int],
) -> _Plate:
    """The label where no other label is yet; above the box if there is no such place."""
    padding = max(2, style.text // 5)
    font, text = label.fitted(style.text, picture[0] - 2 * padding - 1)
    size = int(font.getlength(text)) + 2 * padding, round(style.text * 1.3) + 1
    plates = [_Plate(area, text, font, colour, padding) for area in _places(box, size, picture)]
    return next((plate for plate in plates if not any(map(plate.overlaps, placed))), plates[0])


def _places(box: np.ndarray, size: tuple[int, int], picture: tuple[int, int]) -> list[Area]:
    """Where a plate of `size` may go, best first: above, inside, below its box; always within the picture."""
    x0, y0, x1, y1 = box.tolist()
    width, height = min(size[0], picture[0] - 1), min(size[1], picture[1] - 1)
    tops = {y0 - height: (x0, x1 - width), y0: (x0, x1 - width), y1 - height: (x0,), y1 + 1: (x0,)}
    corners = [(left, top) for top, lefts in tops.items() for left in lefts]
    inside = [(left, top) for left, top in corners if 0 <= top <= picture[1] - 1 - height] or [(x0, 0)]
    lefts = [min(max(left, 0), picture[0] - 1 - width) for left, _ in inside]
    return [(left, top, left + width, top + height) for left, (_, top) in zip(lefts, inside, strict=True)]


def _in_picture(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """Corners moved onto the picture and rounded to pixels, int64 [n, 4]."""
    limits = np.array([width, height, width, height]) - 1
    finite = np.nan_to_num(np.asarray(boxes, np.float64).reshape(-1, 4))
    corners = finite.clip(0, limits).round().astype(np.int64)
    corners[:, 2:] = np.maximum(corners[:, :2], corners[:, 2:])
    return corners


def _best_first(scores: np.ndarray | None, count: int) -> list[int]:
    return list(range(count)) if scores is None else np.argsort(-np.asarray(scores), kind="stable").tolist()


def _ink(colour: Colour) -> Colour:
    """Black on light plates, white on dark ones (weights: ITU-R BT.601 luma)."""
    luma = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return (0, 0, 0) if luma > 140 else (255, 255, 255)


def fit_into(image: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """The picture as large as (width, height) in pixels allows, its shape unchanged; uint8 [h, w, 3]."""
    factor = min(tile[0] / image.shape[1], tile[1] / image.shape[0])
    size = max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
