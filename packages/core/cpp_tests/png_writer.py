"""A PNG writer for every colour type, depth and interlacing, since no library at hand writes them all."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Passes: first column, first row, step across, step down."""


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, colour: int, depth: int, *, interlaced: bool = False) -> bytes:
    """The IHDR chunk."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))


def palette(rng: np.random.Generator, depth: int) -> bytes:
    """The PLTE chunk with as many random colours as the depth can name."""
    return chunk(b"PLTE", rng.integers(0, 256, 3 * 2**depth, dtype=np.uint8).tobytes())


def png(
    rng: np.random.Generator,
    size: tuple[int, int],
    colour: int,
    depth: int,
    *,
    interlaced: bool = False,
    before_data: Sequence[bytes] = (),
) -> bytes:
    """A PNG of random values.

    Args:
        size: (width, height), pixels.
        before_data: chunks between palette and picture data.
    """
    width, height = size
    bits = CHANNELS[colour] * depth
    rows = b""
    for left, top, across, down in _ADAM7 if interlaced else _WHOLE:
        columns, lines = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0:
            for _ in range(lines):
                rows += b"\0" + rng.integers(0, 256, (columns * bits + 7) // 8, dtype=np.uint8).tobytes()
    colours = [palette(rng, depth)] if colour == PALETTE else []
    parts = [SIGNATURE, header(width, height, colour, depth, interlaced=interlaced), *colours, *before_data]
    return b"".join([*parts, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")])
