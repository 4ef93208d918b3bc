"""Reading one picture, whatever wrote it, as upright 8-bit RGB; and its size alone, without decoding."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from ms_core.errors import UserError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
"""Endings looked for, in this order, where an annotation names an image without one."""

SIZE_TOLERANCE = 2
"""Pixels by which a picture may differ from its annotated size (tools round): boxes hardly move."""

Decoder = Callable[[np.ndarray], "np.ndarray | None"]
"""Encoded picture, uint8 [n], -> RGB uint8 [h, w, 3] as stored, EXIF orientation ignored; None where it cannot."""

_ORIENTATION = 0x0112
_HEADER_BYTES = 1 << 16
"""EXIF lies in the first JPEG segments, each below 64 KiB."""
_TURNS: dict[int, int] = {3: cv2.ROTATE_180, 5: cv2.ROTATE_90_CLOCKWISE, 6: cv2.ROTATE_90_CLOCKWISE,
                          7: cv2.ROTATE_90_COUNTERCLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}  # fmt: skip
_MIRRORS: dict[int, int] = {2: 1, 4: 0, 5: 1, 7: 1}
"""EXIF orientation -> cv2.flip code, applied after the turn."""
_PIL_ERRORS = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises on a broken file (SyntaxError: a broken PNG)."""


def read_image(path: Path | str, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a picture as upright RGB.

    Grey and palette pictures become RGB, 16 bits become 8 (65535 -> 255), an alpha channel is dropped. An
    EXIF orientation is applied, unless `size` fits only the stored pixels: some annotation tools ignore EXIF,
    and boxes must stay on the picture they were drawn on.

    Args:
        path: any format OpenCV or Pillow decodes; any characters, on every system.
        size: (width, height) in pixels as annotated.

    Returns:
        uint8 [height, width, 3].

    Raises:
        UserError: missing, truncated or undecodable, or neither orientation has the annotated size.
    """
    return decode_image(read_bytes(Path(path)), path, size)


def read_bytes(path: Path) -> np.ndarray:
    """The file as uint8 [n]; np.fromfile, unlike cv2.imread, opens every path name on Windows.

    Raises:
        UserError: missing, unreadable or empty.
    """
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such image file; looked at {path.absolute()}.") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from error
    if data.size == 0:
        raise UserError(f"{path}: the image file is empty (0 bytes).")
    return data


def decode_rgb(data: np.ndarray) -> np.ndarray | None:
    """The `Decoder` of OpenCV."""
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)


def decode_image(
    data: np.ndarray,
    path: Path | str,
    size: tuple[int, int] | None = None,
    decoder: Decoder = decode_rgb,
) -> np.ndarray:
    """`read_image` for a file that is in memory; `path` only names it in messages.

    Whatever `decoder` cannot decode (GIF) Pillow does.
    """
    if not _is_whole(data):
        _refuse_truncated(data, path)
    pixels = _decode(data, path, decoder)
    pixels = _upright(pixels, _orientation(data), size)
    if size is not None and _difference(pixels.shape[1::-1], size) > SIZE_TOLERANCE:
        raise UserError(
            f"{path}: the picture is {pixels.shape[1]}x{pixels.shape[0]} but annotated as {size[0]}x{size[1]}"
            ", so its boxes cannot be placed. Use the picture that was annotated, or correct the annotation."
        )
    return pixels


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) of the upright picture, pixels, from the file's header.

    Raises:
        UserError: missing, or no image.
    """
    width, height, orientation = _read_header(path)
    return (height, width) if orientation >= 5 else (width, height)


def possible_sizes(path: Path) -> set[tuple[int, int]]:
    """The (width, height) an annotation may give: as stored and, where EXIF turns the picture, upright.

    Raises:
        UserError: missing, or no image.
    """
    width, height, orientation = _read_header(path)
    return {(width, height), (height, width)} if orientation >= 5 else {(width, height)}


def _read_header(path: Path) -> tuple[int, int, int]:
    """Stored width and height in pixels, and EXIF orientation 1-8."""
    try:
        with Image.open(path) as image:
            return (*image.size, _exif_orientation(image))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such image file; looked at {path.absolute()}.") from error
    except _PIL_ERRORS as error:
        raise UserError(f"{path}: not an image, or a damaged one ({_first_line(error)}).") from error


def _is_whole(data: np.ndarray) -> bool:
    """False where the end of the file shows that data may be missing: decoders fill up with grey silently."""
    tail = data[-64:].tobytes().rstrip(b"\0")
    if data[:2].tobytes() == b"\xff\xd8":
        return tail.endswith(b"\xff\xd9")
    if data[:8].tobytes() == b"\x89PNG\r\n\x1a\n":
        return b"IEND" in tail
    return True


def _refuse_truncated(data: np.ndarray, path: Path | str) -> None:
    """Raise unless Pillow finds every row: some cameras append notes after the end mark, or leave it out."""
    try:
        with Image.open(io.BytesIO(data.tobytes())) as image:
            image.load()
    except _PIL_ERRORS as error:
        raise UserError(
            f"{path}: the image file is truncated or damaged ({_first_line(error)}). "
            "Copy it again, or remove it."
        ) from error


def _decode(data: np.ndarray, path: Path | str, decoder: Decoder) -> np.ndarray:
    """RGB uint8 [h, w, 3] as stored."""
    try:
        pixels = decoder(data)
    except cv2.error:  # more than 2^30 pixels
        pixels = None
    if pixels is not None:
        return pixels
    try:
        with Image.open(io.BytesIO(data.tobytes())) as image:
            return np.array(image.convert("RGB"))
    except _PIL_ERRORS as error:
        raise UserError(f"{path}: not an image, or a damaged one ({_first_line(error)}).") from error


def _orientation(data: np.ndarray) -> int:
    """EXIF orientation 1-8; 1 where the file has none. Only files that mention EXIF pay for parsing."""
    head = data[:_HEADER_BYTES].tobytes()
    is_webp = head[8:12] == b"WEBP"  # keeps EXIF at its end
    if not is_webp and b"Exif\0" not in head and b"eXIf" not in head:
        return 1
    try:
        with Image.open(io.BytesIO(data.tobytes())) as image:
            return _exif_orientation(image)
    except _PIL_ERRORS:  # OpenCV decoded it, so only the EXIF block is broken: it counts as none
        return 1


def _exif_orientation(image: Image.Image) -> int:
    """1-8, from the header alone (PNG's own getexif would decode the picture). Both decoders turn TIFF."""
    if image.format == "TIFF":
        return 1
    orientation = Image.Image.getexif(image).get(_ORIENTATION, 1)
    return orientation if orientation in range(1, 9) else 1


def _upright(pixels: np.ndarray, orientation: int, size: tuple[int, int] | None) -> np.ndarray:
    """Apply the EXIF orientation, unless the annotated size fits the stored picture better."""
    height, width = pixels.shape[:2]
    if (
        orientation >= 5
        and size is not None
        and _difference((width, height), size) < _difference((height, width), size)
    ):
        return pixels
    if orientation in _TURNS:
        pixels = cv2.rotate(pixels, _TURNS[orientation])
    if orientation in _MIRRORS:
        pixels = cv2.flip(pixels, _MIRRORS[orientation])
    return pixels


def _difference(size: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Largest difference of a side, pixels."""
    return max(abs(size[0] - other[0]), abs(size[1] - other[1]))


def _first_line(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no known image format"  # Pillow's own words show an object's address
    return (str(error) or type(error).__name__).splitlines()[0]
