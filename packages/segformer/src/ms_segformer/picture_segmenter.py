"""Pictures in, class maps out, whatever computes the network: resizing, windows, scales, mirroring.

Nothing here imports MindSpore, so that an exported model can be run in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from ms_core.errors import UserError
from ms_core.segmentation.planes import Planes, add_probabilities, largest, whole_planes
from ms_core.segmentation.sample import SMALLEST_SIDE

from ms_segformer.augment import fit_size, resize_image, scaled_size
from ms_segformer.config import InferenceConfig, Size
from ms_segformer.pipeline import network_input
from ms_segformer.windows import Window, sliding_windows, whole_picture, window_planes

Forward = Callable[[np.ndarray], np.ndarray]
"""Images float32 [1, 3, H, W], normalised -> logits float32 [1, K, h, w]."""


@dataclass(frozen=True, eq=False)
class PreparedPicture:
    """A picture as the network looks at it."""

    size: Size
    """(height, width) of the picture itself."""
    fitted: Size
    """(height, width) that `inference.size` makes of it."""
    scaled: list[np.ndarray]
    """float32 [3, h, w], normalised: one for each of `inference.scales`."""


@dataclass(frozen=True, eq=False)
class _Look:
    """What the network said about one view of a picture: at one scale, mirrored or not."""

    logits: list[np.ndarray]
    """float32 [K, h, w] of each window."""
    windows: list[Window]
    crop: Size
    """(height, width) of what the network saw of each."""
    view: Size
    """(height, width) of the view."""
    mirrored: bool

    def planes(self, size: Size) -> Iterator[np.ndarray]:
        """See `planes.Planes`; at `size`, as the picture lies."""
        if len(self.windows) == 1 and self.view == self.crop:
            made = whole_planes(self.logits[0], size)
        else:
            made = window_planes(self.logits, self.windows, self.crop, self.view)
            if size != self.view:
                made = (plane for each in made for plane in whole_planes(each[None], size))
        for plane in made:
            yield np.ascontiguousarray(plane[:, ::-1]) if self.mirrored else plane


@dataclass(frozen=True, eq=False)
class SeenPicture:
    """What the network said about a picture; small, as logits have a quarter of its size."""

    size: Size
    """(height, width) of the picture itself."""
    looks: list[_Look]

    def classes(self, size: Size | None = None) -> np.ndarray:
        """Class of every pixel.

        Args:
            size: (height, width) of the map; None: the picture's.

        Returns:
            uint8 [H, W].
        """
        size = size or self.size
        if len(self.looks) == 1:
            return largest(self.looks[0].planes(size))
        return largest(iter(self._probabilities(size)))

    def logits(self, size: Size | None = None) -> np.ndarray:
        """float32 [K, H, W]; after several looks the logarithm of their mean probabilities."""
        size = size or self.size
        if len(self.looks) == 1:
            return np.stack([plane.copy() for plane in self.looks[0].planes(size)])
        mean = self._probabilities(size)
        return np.log(np.maximum(mean, np.finfo(np.float32).tiny, out=mean), out=mean)

    def _probabilities(self, size: Size) -> np.ndarray:
        """float32 [K, H, W], the mean over all looks."""
        total = np.zeros((len(self.looks[0].logits[0]), *size), np.float32)
        for look in self.looks:
            planes: Planes = partial(look.planes, size)
            add_probabilities(planes, total)
        total /= len(self.looks)
        return total


class PictureSegmenter:
    """Class maps from a function that computes the network.

    `prepare` and what `look` returns may be worked on by other threads, while this one computes the network.

    Args:
        forward: the network.
        settings: how a picture is looked at.
    """

    def __init__(self, forward: Forward, settings: InferenceConfig) -> None:
        self.forward = forward
        self.settings = settings

    def prepare(self, image: np.ndarray, name: str = "picture") -> PreparedPicture:
        """Resize and normalise.

        Args:
            image: uint8 [H, W, 3] RGB.
            name: names it in messages.

        Raises:
            UserError: it is too small for the network.
        """
        own = (image.shape[0], image.shape[1])
        fitted = own if self.settings.size is None else fit_size(own, self.settings.size)
        scaled = [self._view(image, factor, name) for factor in self.settings.scales]
        return PreparedPicture(own, fitted, scaled)

    def look(self, picture: PreparedPicture) -> SeenPicture:
        """Compute the network on every view of a prepared picture."""
        mirrored = (False, True) if self.settings.flip else (False,)
        looks = [self._look(pixels, mirror) for pixels in picture.scaled for mirror in mirrored]
        return SeenPicture(picture.size, looks)

    def segment(self, image: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] RGB -> class of every pixel, uint8 [H, W]."""
        return self.look(self.prepare(image)).classes()

    def logits(self, image: np.ndarray) -> np.ndarray:
        """uint8 [H, W, 3] RGB -> float32 [K, H, W]; see `SeenPicture.logits`."""
        return self.look(self.prepare(image)).logits()

    def _view(self, image: np.ndarray, factor: float, name: str) -> np.ndarray:
        """The picture at one scale, float32 [3, h, w]; resized once."""
        own, fit = (image.shape[0], image.shape[1]), self.settings.size
        size = scaled_size(own, factor) if fit is None else fit_size(own, fit, factor)
        if min(size) < SMALLEST_SIDE:
            shown = "" if size == own else f", looked at in {size[1]}x{size[0]}"
            raise UserError(
                f"{name}: is {own[1]}x{own[0]} pixels{shown}; SegFormer needs {SMALLEST_SIDE} a side. "
                "Set inference.size (or larger inference.scales) to enlarge it."
            )
        return network_input(image if size == own else resize_image(image, size))

    def _look(self, pixels: np.ndarray, mirrored: bool) -> _Look:
        """Args: pixels: float32 [3, h, w], not mirrored yet."""
        view = (pixels.shape[1], pixels.shape[2])
        if mirrored:
            pixels = pixels[:, :, ::-1]
        if self.settings.mode == "whole":
            crop, windows = view, whole_picture(view)
        else:
            crop = self.settings.crop
            windows = sliding_windows(view, crop, self.settings.stride)
        logits = [self.forward(_window(pixels, window, crop))[0] for window in windows]
        return _Look(logits, windows, crop, view, mirrored)


def _window(pixels: np.ndarray, window: Window, crop: Size) -> np.ndarray:
    """float32 [1, 3, *crop]; what lies beyond the picture is 0, as in training."""
    rows, columns = window.place
    inside = pixels[None, :, rows, columns]
    missing = [(0, 0), (0, 0), *((0, whole - part) for whole, part in zip(crop, window.size, strict=True))]
    return np.ascontiguousarray(inside) if window.size == crop else np.pad(inside, missing)
