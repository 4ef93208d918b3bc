"""Right and wrong in a picture: found and missed objects beside hits and false alarms, with a legend."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections
from ms_core.draw import Colour, draw_box, draw_detections, fit_into
from ms_core.evaluation.image_match import ImageMatch
from ms_core.label_font import label_font

HIT: Colour = (38, 194, 172)
MISSED: Colour = (255, 183, 3)
FALSE_ALARM: Colour = (240, 70, 70)
IGNORED: Colour = (168, 172, 178)
LEGEND = (
    (HIT, False, "found"),
    (MISSED, True, "missed"),
    (FALSE_ALARM, True, "false alarm"),
    (IGNORED, False, "does not count"),
)
"""Colour, whether the line is broken, meaning. Mistakes are broken lines, for eyes that cannot tell the colours."""

_PAPER = (40, 40, 40)
_INK = (238, 238, 238)


def draw_outcomes(
    image: np.ndarray,
    sample: Sample,
    detections: Detections,
    match: ImageMatch,
    classes: Sequence[str],
    side: tuple[int, int] = (480, 480),
) -> np.ndarray:
    """Annotated objects on the left, found or missed; detections on the right, hits or false alarms.

    Args:
        image: uint8 [H, W, 3] RGB of `sample`.
        sample: its boxes.
        detections: those to be shown.
        match: of exactly these detections.
        classes: names.
        side: (width, height) that each half is fitted into, pixels; drawn after that, so that labels stay legible.

    Returns:
        uint8 [h, 2 w + gap, 3] RGB.
    """
    small = fit_into(image, side)
    height, width = small.shape[:2]
    scale = np.array([width / sample.width, height / sample.height] * 2, np.float32)
    found = match.found(-1.0)
    truth = draw_detections(
        small,
        sample.boxes * scale,
        sample.labels,
        None,
        classes,
        colours=_colours(found, ~match.counted, MISSED),
        dashed=~found & match.counted,
    )
    prediction = draw_detections(
        small,
        detections.boxes * scale,
        detections.labels,
        detections.scores,
        classes,
        colours=_colours(match.hits, match.ignored, FALSE_ALARM),
        dashed=match.false_alarms,
    )
    gap = np.full((height, 6, 3), _PAPER[0], np.uint8)
    return np.concatenate((truth, gap, prediction), axis=1)


def titled(picture: np.ndarray, title: str, size: int = 18) -> np.ndarray:
    """The picture with a line of text above it; what does not fit is cut."""
    height = 2 * size
    strip = Image.new("RGB", (picture.shape[1], height), _PAPER)
    font, written = label_font(title, size)
    while len(written) > 1 and font.getlength(written) > picture.shape[1] - 8:
        written = written[:-1]
    ImageDraw.Draw(strip).text((4, height / 2), written, font=font, fill=_INK, anchor="lm")
    return np.concatenate((np.asarray(strip), picture))


def legend(width: int, size: int = 18) -> np.ndarray:
    """What the colours mean, on one strip of `width` pixels; uint8 [h, width, 3] RGB."""
    strip = Image.new("RGB", (width, 2 * size), _PAPER)
    brush = ImageDraw.Draw(strip)
    left = _write(brush, 4, "left: annotated, right: detected", size)
    for colour, dashed, meaning in LEGEND:
        swatch = np.array([left, size // 2, left + 3 * size // 2, size // 2 + size])
        draw_box(brush, swatch, colour, max(2, size // 7), dashed=dashed)
        left = _write(brush, left + 2 * size, meaning, size)
    return np.asarray(strip)


def _write(brush: ImageDraw.ImageDraw, left: int, text: str, size: int) -> int:
    """Write and return where the next thing may begin."""
    font, written = label_font(text, size)
    brush.text((left, size), written, font=font, fill=_INK, anchor="lm")
    return left + int(font.getlength(written)) + 2 * size


def _colours(right: np.ndarray, ignored: np.ndarray, wrong: Colour) -> list[Colour]:
    return [HIT if r else IGNORED if i else wrong for r, i in zip(right, ignored, strict=True)]
