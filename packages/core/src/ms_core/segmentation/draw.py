"""Pictures of class maps for people: colours, overlays, legends, right beside wrong. RGB uint8 in and out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ms_core.draw import Colour, contact_sheet, fit_into
from ms_core.draw_outcomes import titled
from ms_core.errors import UserError
from ms_core.label_font import label_font

WRONG: Colour = (255, 66, 48)
IGNORED: Colour = (204, 208, 214)
"""Of pixels that count nowhere, in the panel of the errors."""

_PAPER = (40, 40, 40)
_INK = (238, 238, 238)
_RIM = (120, 120, 120)
"""Around swatches, since some data sets have classes as dark as the paper."""
_GAP = 6
_DIMMED = (0.4, 40)
"""Contrast and least brightness of the right pixels in the panel of the errors."""


def colour_map(labels: np.ndarray, palette: np.ndarray, ignore_colour: Colour = (0, 0, 0)) -> np.ndarray:
    """The colour of every pixel's class.

    Args:
        labels: uint8 [H, W], class ids.
        palette: uint8 [K, 3] RGB.
        ignore_colour: of labels that are no class (K and above, 255 in particular).

    Returns:
        uint8 [H, W, 3] RGB.
    """
    table = np.empty((256, 3), np.uint8)
    table[:] = ignore_colour
    table[: len(palette)] = palette
    return table[labels]


def overlay(image: np.ndarray, labels: np.ndarray, palette: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """The picture with the colours of the classes over it; pixels without a class stay as they are.

    Args:
        image: uint8 [H, W, 3] RGB; left as it is.
        labels: uint8 [H, W], class ids.
        palette: uint8 [K, 3] RGB.
        alpha: share of the colours, 0-1.

    Returns:
        uint8 [H, W, 3] RGB, a new array.

    Raises:
        UserError: the two have different sizes.
    """
    _require_size(image, labels, "the labels")
    blended = cv2.addWeighted(image, 1 - alpha, colour_map(labels, palette), alpha, 0)
    nothing = labels >= len(palette)
    blended[nothing] = image[nothing]
    return blended


def legend(
    classes: Sequence[str],
    palette: np.ndarray,
    width: int,
    size: int = 18,
    further: Sequence[tuple[str, Colour]] = (),
) -> np.ndarray:
    """A swatch and a name for every class, as many beside one another as `width` pixels hold.

    Args:
        classes: K names, any script.
        palette: uint8 [K, 3] RGB.
        size: of the letters, pixels.
        further: (meaning, colour) after the classes.

    Returns:
        uint8 [h, width, 3] RGB.
    """
    colours = [(red, green, blue) for red, green, blue in np.asarray(palette).tolist()]
    entries = [*zip(classes, colours, strict=True), *further]
    row, swatch = 2 * size, (3 * size) // 2
    places: list[tuple[int, int]] = []
    left, top = size // 2, 0
    for name, _ in entries:
        font, written = label_font(name, size)
        needed = swatch + size // 2 + int(font.getlength(written)) + size
        if left + needed > width and left > size // 2:
            left, top = size // 2, top + row
        places.append((left, top))
        left += needed
    strip = Image.new("RGB", (width, top + row), _PAPER)
    brush = ImageDraw.Draw(strip)
    for (name, colour), (left, top) in zip(entries, places, strict=True):
        font, written = label_font(name, size)
        brush.rectangle(
            (left, top + size // 2, left + swatch, top + size // 2 + size), fill=colour, outline=_RIM
        )
        brush.text((left + swatch + size // 2, top + size), written, font=font, fill=_INK, anchor="lm")
    return np.asarray(strip)


def error_map(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, count: int) -> np.ndarray:
    """The picture, dim and grey, with wrong pixels in red and those that do not count in a flat light grey.

    Args:
        image: uint8 [H, W, 3] RGB.
        truth: uint8 [H, W]; `count` and above do not count. prediction: uint8 [H, W].
        count: of the classes.

    Returns:
        uint8 [H, W, 3] RGB.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    drawn = np.repeat((grey * _DIMMED[0] + _DIMMED[1]).astype(np.uint8)[..., None], 3, axis=2)
    ignored, wrong = truth >= count, truth != prediction
    # The light and dark of the picture stays visible in the red.
    light = (0.7 + 0.3 * grey.astype(np.float32) / 255)[..., None]
    drawn[wrong] = (light * np.array(WRONG, np.float32)).astype(np.uint8)[wrong]
    drawn[ignored] = IGNORED
    return drawn


def draw_segmentation_outcome(
    image: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    palette: np.ndarray,
    side: tuple[int, int] = (480, 480),
) -> np.ndarray:
    """Four panels with titles: picture and errors above, annotated and predicted classes below.

    Args:
        image: uint8 [H, W, 3] RGB.
        truth: uint8 [h, w], class ids, others do not count; prediction: uint8 [h, w], class ids. Where their size is
            not the picture's they are stretched over it.
        palette: uint8 [K, 3] RGB.
        side: (width, height) that each panel is fitted into, pixels.

    Returns:
        uint8 [H', W', 3] RGB.

    Raises:
        UserError: truth and prediction have different sizes.
    """
    _require_size(truth, prediction, "the prediction")
    small = fit_into(image, side)
    size = small.shape[1], small.shape[0]
    small_truth, small_prediction = (
        cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT) for labels in (truth, prediction)
    )
    panels = {
        "picture": small,
        _error_title(truth, prediction, len(palette)): error_map(
            small, small_truth, small_prediction, len(palette)
        ),
        "annotated": colour_map(small_truth, palette),
        "predicted": colour_map(small_prediction, palette),
    }
    letters = max(10, min(18, size[0] // 18))
    picture, errors, annotated, predicted = (titled(panel, title, letters) for title, panel in panels.items())
    gap = np.full((picture.shape[0], _GAP, 3), _PAPER[0], np.uint8)
    rows = [np.concatenate((a, gap, b), axis=1) for a, b in ((picture, errors), (annotated, predicted))]
    return np.concatenate(rows)


def outcome_sheet(
    tiles: Sequence[np.ndarray], classes: Sequence[str], palette: np.ndarray, columns: int = 2
) -> np.ndarray:
    """What `draw_segmentation_outcome` drew on one sheet, the colours explained on top; uint8 [H, W, 3] RGB.

    Raises:
        UserError: there are none.
    """
    widest = max((tile.shape[1] for tile in tiles), default=0)
    highest = max((tile.shape[0] for tile in tiles), default=0)
    sheet = contact_sheet(tiles, columns=columns, tile=(widest, highest))
    meanings = (("wrong", WRONG), ("does not count", IGNORED))
    return np.concatenate((legend(classes, palette, sheet.shape[1], further=meanings), sheet))


def _error_title(truth: np.ndarray, prediction: np.ndarray, count: int) -> str:
    counted = truth < count
    share = (truth != prediction)[counted].mean() if counted.any() else 0.0
    return f"wrong: {100 * share:.1f} % of the pixels"


def _require_size(picture: np.ndarray, labels: np.ndarray, name: str) -> None:
    if picture.shape[:2] != labels.shape:
        raise UserError(
            f"drawing: {name} are {labels.shape[1]}x{labels.shape[0]}, what they belong to is "
            f"{picture.shape[1]}x{picture.shape[0]} pixels. Give maps of the same size."
        )
