"""Random views of a training picture: constrained crop, flip, colour. Pure functions of a NumPy generator.

Pictures are uint8 [H, W, 3] RGB until `normalise`; boxes are float32 [n, 4] as (x0, y0, x1, y1) in pixels.
"""

from functools import lru_cache

import cv2
import numpy as np

from ms_core.data.network_input import IMAGENET_MEAN, IMAGENET_STD, look_up, resize_image
from ms_core.detection.boxes import box_areas, box_iou

MIN_OVERLAPS = (None, 0.1, 0.3, 0.5, 0.7, 0.9)
"""What a crop may be asked to keep of the objects; None leaves the picture whole (SSD paper, section 2.2)."""
CROP_TRIES = 50


def random_iou_crop(
    image: np.ndarray, boxes: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut out a random part in which enough of the objects is left.

    The part is 30-100 % of each side, at most twice as long as broad. Objects stay when their centre lies
    inside it and are clipped. A picture for which no part is found in 50 tries is returned whole. Boxes
    without area, before or after, are dropped: they would be encoded as an absurd target.

    Args:
        image: uint8 [H, W, 3].
        boxes: float32 [n, 4] as (x0, y0, x1, y1), pixels.
        labels: [n].
        rng: source of every choice; the same state gives the same crop.

    Returns:
        (image, boxes in the new picture's pixels, labels); the image is a view of the given one.
    """
    min_overlap = MIN_OVERLAPS[rng.integers(len(MIN_OVERLAPS))]
    if min_overlap is not None and len(boxes):
        draws = rng.random((CROP_TRIES, 4))
        found = _find_crop(draws, image.shape[1], image.shape[0], boxes, min_overlap)
        if found is not None:
            (left, top, right, bottom), inside = found
            image, labels = image[top:bottom, left:right], labels[inside]
            corner = np.array([left, top, left, top], np.float32)
            boxes = np.clip(boxes[inside], (left, top, left, top), (right, bottom, right, bottom)) - corner
    kept = box_areas(boxes) > 0
    return image, boxes[kept].astype(np.float32, copy=False), labels[kept]


def _find_crop(
    draws: np.ndarray, width: int, height: int, boxes: np.ndarray, min_overlap: float
) -> tuple[tuple[int, int, int, int], np.ndarray] | None:
    """The first try that fits, as ((left, top, right, bottom), bool [n] of the boxes that stay).

    All tries are judged at once, [tries, n]; one at a time costs ten times as much.
    """
    parts = _candidate_parts(draws, width, height)
    overlap = box_iou(parts.astype(np.float32), boxes)
    touched = overlap > 0
    lowest = np.where(touched, overlap, np.inf).min(axis=1)
    highest = overlap.max(axis=1)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = touched & ((parts[:, None, :2] < centre) & (centre < parts[:, None, 2:])).all(axis=2)
    poor = (lowest < min_overlap) & (highest > min_overlap + 0.2)
    sides = parts[:, 2:] - parts[:, :2]
    fits = _allowed_shape(draws, width, height) & (sides > 0).all(axis=1) & ~poor & inside.any(axis=1)
    if not fits.any():
        return None
    chosen = int(fits.argmax())
    left, top, right, bottom = parts[chosen].tolist()
    return (left, top, right, bottom), inside[chosen]


def _candidate_parts(draws: np.ndarray, width: int, height: int) -> np.ndarray:
    """int64 [tries, 4] as (left, top, right, bottom) from draws (w, h, left, top), each 0-1."""
    w, h = (draws[:, :2] * 0.7 + 0.3).T * np.array([[width], [height]])
    left, top = draws[:, 2] * (width - w), draws[:, 3] * (height - h)
    return np.stack((left, top, left + w, top + h), axis=1).astype(np.int64)


def _allowed_shape(draws: np.ndarray, width: int, height: int) -> np.ndarray:
    """bool [tries]: neither side more than twice the other, judged before rounding to pixels."""
    aspect = (draws[:, 1] * 0.7 + 0.3) * height / ((draws[:, 0] * 0.7 + 0.3) * width)
    return (aspect >= 0.5) & (aspect <= 2)


def resize(image: np.ndarray, boxes: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Stretch picture and boxes to `size` = (height, width), bilinear; the aspect ratio is not kept."""
    height, width = size
    factors = np.array([width / image.shape[1], height / image.shape[0]] * 2, np.float32)
    return resize_image(image, size), boxes * factors


def horizontal_flip(
    image: np.ndarray, boxes: np.ndarray, rng: np.random.Generator, probability: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Mirror left and right with `probability`; one number is drawn from `rng` either way."""
    if rng.random() >= probability:
        return image, boxes
    flipped = boxes.copy()
    flipped[:, [0, 2]] = image.shape[1] - boxes[:, [2, 0]]
    return cv2.flip(image, 1), flipped


def colour_jitter(image: np.ndarray, rng: np.random.Generator, strength: float = 0.4) -> np.ndarray:
    """Change brightness, contrast and saturation, in random order, each by a factor around 1.

    Args:
        image: uint8 [H, W, 3] RGB; left as it is.
        rng: source of the order and the factors.
        strength: 0-1; factors lie between 1 - strength and 1 + strength.

    Returns:
        uint8 [H, W, 3], clipped to 0-255 after every step.
    """
    image, levels = jitter_with_levels(image, rng, strength)
    return apply_levels(image, levels)


def jitter_with_levels(
    image: np.ndarray, rng: np.random.Generator, strength: float = 0.4
) -> tuple[np.ndarray, np.ndarray]:
    """`colour_jitter` without its last pass over the picture.

    Returns:
        (uint8 [H, W, 3], levels uint8 [256] that every pixel value has still to become: see `apply_levels` and
        `normalise`, which does it on the way).
    """
    factors = rng.uniform(1 - strength, 1 + strength, 3)
    levels = _SAME
    for change in rng.permutation(3):
        factor = float(factors[change])
        if change == _BRIGHTNESS:
            levels = _brighter(factor)[levels]
            continue
        image, levels = apply_levels(image, levels), _SAME
        if change == _CONTRAST:
            levels = _contrasted(image, factor)
        else:
            image = _saturation(image, factor)
    return image, levels


_SAME = np.arange(256, dtype=np.uint8)
_LEVELS = np.arange(256, dtype=np.float32)
_BRIGHTNESS, _CONTRAST = 0, 1
"""Numbers of the changes; saturation is the third."""


def apply_levels(image: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] with every value replaced by levels[value]."""
    return image if levels is _SAME else cv2.LUT(image, levels)


def _brighter(factor: float) -> np.ndarray:
    return np.clip(_LEVELS * factor, 0, 255).astype(np.uint8)


def _contrasted(image: np.ndarray, factor: float) -> np.ndarray:
    """Spread around the picture's mean grey value."""
    grey = round(cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0])
    return np.clip(_LEVELS * factor + grey * (1 - factor), 0, 255).astype(np.uint8)


def _saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """Spread every pixel around its own grey value."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


def normalise(
    image: np.ndarray,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
    *,
    levels: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """What the network reads: uint8 [H, W, 3] RGB -> float32 [3, H, W], (pixel / 255 - mean) / std.

    Args:
        image: uint8 [H, W, 3] RGB.
        mean: RGB, of pixels scaled to 0-1.
        std: RGB, of pixels scaled to 0-1.
        levels: uint8 [256], what `jitter_with_levels` left to do; None: nothing.
        out: float32 [3, H, W] contiguous, written and returned; None: a new array.
    """
    return look_up(image, _normalised_levels(tuple(mean), tuple(std)), levels=levels, out=out)


@lru_cache(maxsize=8)
def _normalised_levels(mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """float32 [3, 256]: the value each pixel level becomes."""
    offset, scale = np.array(mean)[:, None] * 255, np.array(std)[:, None] * 255
    return ((np.arange(256) - offset) / scale).astype(np.float32)
