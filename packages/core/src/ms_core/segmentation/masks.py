"""Reading one mask file as its writer meant it: values, not shades; and its size alone, without decoding."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from ms_core.data.images import read_bytes
from ms_core.errors import UserError

MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Formats that keep every value; JPEG changes them, and writers of GIF sort them anew."""

MaskKind = Literal["auto", "index", "colour"]

_PNG = b"\x89PNG\r\n\x1a\n"
_GREY = 0  # PNG's colour type
_PIL_ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


def read_mask(path: Path, kind: MaskKind = "auto") -> np.ndarray:
    """The values of a mask.

    Grey files give their values, palette files their indices, files of one bit 0 and 1, coloured files RGB; alpha is
    dropped. 16 bits are read where no value exceeds 255.

    Args:
        kind: "index": a coloured file is refused; "colour": grey and palette files are taken for their colours.

    Returns:
        uint8 [H, W] or, coloured, uint8 [H, W, 3] RGB.

    Raises:
        UserError: missing, damaged, JPEG, or values above 255.
    """
    return decode_mask(read_bytes(path), path, kind)


def decode_mask(data: np.ndarray, path: Path, kind: MaskKind = "auto") -> np.ndarray:
    """`read_mask` for a file that is in memory."""
    mask = _plain_grey(data)
    if mask is None:
        mask = _any_format(data, path, as_colours=kind == "colour")
    mask = _eight_bits(mask, path)
    if kind == "index" and mask.ndim == 3:
        raise UserError(f"{path}: a coloured mask, where values were expected. Pass --data.masks auto.")
    if kind == "colour" and mask.ndim == 2:
        return np.repeat(mask[..., None], 3, axis=2)
    return mask


def mask_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels, from the file's header.

    Raises:
        UserError: missing, or no image.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such mask file; looked at {path.absolute()}.") from error
    except _PIL_ERRORS as error:
        raise _damaged(path, error) from error


def _plain_grey(data: np.ndarray) -> np.ndarray | None:
    """The values of a grey PNG of 8 or 16 bits: OpenCV decodes it while other threads run; None for other files."""
    head = data[:26].tobytes()
    if head[:8] != _PNG or len(head) < 26 or head[25] != _GREY or head[24] < 8:
        return None
    if b"IEND" not in data[-64:].tobytes():
        return None  # cut off: Pillow says so, OpenCV fills up with zeros
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # more than 2^30 pixels
        return None
    return pixels if pixels is not None and pixels.ndim == 2 else None


def _any_format(data: np.ndarray, path: Path, as_colours: bool) -> np.ndarray:
    """The pixels as Pillow reads them: [H, W] of any integer type, or uint8 [H, W, 3] RGB."""
    try:
        with Image.open(io.BytesIO(data.tobytes())) as image:
            if image.format == "JPEG":
                raise UserError(f"{path}: a JPEG mask: its compression changes values. Save masks as PNG.")
            if as_colours and not image.mode.startswith("I"):
                return np.array(image.convert("RGB"))
            return _pixels(image)
    except _PIL_ERRORS as error:
        raise _damaged(path, error) from error


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode == "1":
        return np.array(image).astype(np.uint8)
    if image.mode == "LA":
        return np.array(image)[..., 0]
    if image.mode in ("L", "P") or image.mode.startswith("I"):
        return np.array(image)
    return np.array(image.convert("RGB"))


def _eight_bits(mask: np.ndarray, path: Path) -> np.ndarray:
    if mask.dtype == np.uint8:
        return mask
    largest, smallest = int(mask.max(initial=0)), int(mask.min(initial=0))
    if largest > 255 or smallest < 0:
        count = int(((mask > 255) | (mask < 0)).sum())
        value = largest if largest > 255 else smallest
        raise UserError(
            f"{path}: {count} pixels are beyond 0-255, up to {value}: 16-bit values, as instances have. Use the "
            "masks of classes."
        )
    return mask.astype(np.uint8)


def _damaged(path: Path, error: BaseException) -> UserError:
    first = (str(error) or type(error).__name__).splitlines()[0]
    what = "no known image format" if isinstance(error, Image.UnidentifiedImageError) else first
    return UserError(f"{path}: not a mask image, or a damaged one ({what}). Copy it again, or remove it.")
