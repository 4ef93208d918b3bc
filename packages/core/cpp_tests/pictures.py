"""Picture files of every kind that training may have met, and of kinds that must be refused."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from .png_writer import DEPTHS, GREY, PALETTE, RGB, SIGNATURE, chunk, header, png

SIZES = ((1, 1), (2, 3), (7, 5), (16, 16), (17, 33), (64, 9), (161, 119))
"""(width, height), pixels."""


def photo(rng: np.random.Generator, size: tuple[int, int], channels: int = 3) -> np.ndarray:
    """Smooth noise with edges, as pictures have them; uint8 [h, w, channels]."""
    coarse = rng.integers(0, 256, (max(2, size[1] // 8), max(2, size[0] // 8), channels), dtype=np.uint8)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).reshape(size[1], size[0], channels)
    noise = rng.integers(-20, 21, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def jpeg(pixels: np.ndarray, mode: str = "RGB", **options: object) -> bytes:
    """A JPEG by Pillow."""
    stream = io.BytesIO()
    Image.frombytes(mode, pixels.shape[1::-1], pixels.tobytes()).save(stream, "JPEG", **options)
    return stream.getvalue()


def exif(
    orientation: int, *, order: str = "<", kind: int = 3, count: int = 1, label: bytes = b"Exif\0\0"
) -> bytes:
    """An EXIF block that states an orientation.

    Args:
        order: "<" or ">", of its bytes.
        kind: TIFF type of the value; 3 is the right one.
    """
    mark = b"II*\0" if order == "<" else b"MM\0*"
    value = struct.pack(order + {1: "Bxxx", 3: "Hxx", 4: "I", 9: "i"}[kind], orientation)
    entries = struct.pack(order + "HHI", 0x010F, 2, 9) + struct.pack(
        order + "I", 64
    )  # the maker, text behind
    entries += struct.pack(order + "HHI", 0x0112, kind, count) + value
    directory = (
        struct.pack(order + "I", 8) + struct.pack(order + "H", 2) + entries + struct.pack(order + "I", 0)
    )
    return label + (mark + directory).ljust(64, b"\0") + b"a camera\0"


def xmp(orientation: int) -> bytes:
    """An XMP packet that states an orientation."""
    return b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % orientation


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segment(data: bytes, *segments: bytes) -> bytes:
    """A JPEG with segments right after its first mark."""
    return data[:2] + b"".join(segments) + data[2:]


def with_adobe(data: bytes, transform: int) -> bytes:
    """A JPEG whose Adobe segment states another colour transform."""
    at = data.index(b"Adobe")
    return data[: at + 11] + bytes([transform]) + data[at + 12 :]


def jpegs(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """(name, content) of JPEG files that can be read."""
    for size in SIZES:
        for sampling in (0, 1, 2):
            yield f"{size}-{sampling}.jpg", jpeg(photo(rng, size), quality=80, subsampling=sampling)
        yield f"{size}-grey.jpg", jpeg(photo(rng, size, 1), "L")
        yield f"{size}-progressive.jpg", jpeg(photo(rng, size), quality=40, progressive=True)
        yield f"{size}-cmyk.jpg", jpeg(photo(rng, size, 4), "CMYK")
        yield f"{size}-ycck.jpg", with_adobe(jpeg(photo(rng, size, 4), "CMYK"), 2)
        yield f"{size}-stored-as-rgb.jpg", jpeg(photo(rng, size), keep_rgb=True)
    pixels = photo(rng, (45, 31))
    yield "restarts.jpg", jpeg(pixels, restart_marker_blocks=2)
    yield "progressive-grey.jpg", jpeg(photo(rng, (45, 31), 1), "L", progressive=True)
    plain = jpeg(pixels)
    yield "trailing-notes.jpg", plain + b"notes of a camera" * 9
    yield "trailing-zeros.jpg", plain + bytes(5000)
    yield "named.png", plain
    yield "without-an-ending-of-its-own.tif", plain


def turned(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """(name, content) of files with EXIF."""
    plain = jpeg(photo(rng, (45, 31)))
    for orientation in range(10):
        for order in "<>":
            block = exif(orientation, order=order)
            yield f"exif-{orientation}{ord(order)}.jpg", with_segment(plain, segment(0xE1, block))
            yield (
                f"exif-{orientation}{ord(order)}.png",
                png(
                    rng,
                    (13, 7),
                    RGB,
                    8,
                    before_data=[chunk(b"eXIf", exif(orientation, order=order, label=b""))],
                ),
            )
    for kind in (1, 4, 9):
        yield f"exif-type-{kind}.jpg", with_segment(plain, segment(0xE1, exif(6, kind=kind)))
    name = b"http://ns.adobe.com/xap/1.0/\0"
    without = exif(6).replace(struct.pack("<HH", 0x0112, 3), struct.pack("<HH", 0x0113, 3))
    yield "xmp-beside-exif.jpg", with_segment(plain, segment(0xE1, without), segment(0xE1, name + xmp(8)))
    yield "xmp-alone.jpg", with_segment(plain, segment(0xE1, name + xmp(8)))
    yield "exif-wins.jpg", with_segment(plain, segment(0xE1, exif(3)), segment(0xE1, name + xmp(8)))
    yield (
        "exif-broken.jpg",
        with_segment(plain, segment(0xE1, b"Exif\0\0broken"), segment(0xE1, name + xmp(8))),
    )
    yield "exif-cut.jpg", with_segment(plain, segment(0xE1, exif(6)[:20]))
    yield "exif-far.jpg", with_segment(plain, segment(0xE1, exif(6).replace(b"\x40\0\0\0", b"\xff\xff\0\0")))
    yield "exif-labelled-twice.jpg", with_segment(plain, segment(0xE1, exif(6, label=b"Exif\0\0Exif\0\0")))
    yield (
        "exif-in-two.jpg",
        with_segment(plain, segment(0xE1, exif(6)[:30]), segment(0xE1, b"Exif\0\0" + exif(6)[30:])),
    )
    yield "exif-second.jpg", with_segment(plain, segment(0xFE, b"a comment"), segment(0xE1, exif(5)))
    note = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6)
    yield "xmp.png", png(rng, (13, 7), RGB, 8, before_data=[chunk(b"iTXt", note)])
    yield (
        "xmp-beside-exif.png",
        png(rng, (13, 7), RGB, 8, before_data=[chunk(b"eXIf", without[6:]), chunk(b"iTXt", note)]),
    )


def pngs(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """(name, content) of PNG files that can be read."""
    for colour, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                for size in ((1, 1), (5, 3), (33, 17)):
                    name = f"{colour}-{depth}-{interlaced}-{size}"
                    yield f"{name}.png", png(rng, size, colour, depth, interlaced=interlaced)
    clear = {GREY: b"\0\x01", RGB: bytes(6), PALETTE: b"\0\x80\xff"}
    for colour, data in clear.items():
        yield f"clear-{colour}.png", png(rng, (9, 9), colour, 8, before_data=[chunk(b"tRNS", data)])
    yield "clear-16.png", png(rng, (9, 9), RGB, 16, before_data=[chunk(b"tRNS", bytes(6))])
    yield "gamma.png", png(rng, (9, 9), RGB, 8, before_data=[chunk(b"gAMA", struct.pack(">I", 100000))])
    yield "background.png", png(rng, (9, 9), 6, 8, before_data=[chunk(b"bKGD", bytes(6))])
    yield "significant-bits.png", png(rng, (9, 9), RGB, 8, before_data=[chunk(b"sBIT", b"\5\6\5")])
    plain = png(rng, (20, 10), RGB, 8)
    yield "trailing-notes.png", plain + b"notes"
    yield "named.jpg", plain
    wrong = plain[: plain.index(b"IDAT")].replace(b"\x08\x02", b"\x08\x02")
    yield "text-of-wrong-checksum.png", wrong[:-4] + b"\0\0\0\4tEXta\0bc\0\0\0\0" + plain[len(wrong) - 4 :]


def animated(rng: np.random.Generator) -> bytes:
    """An animated PNG."""
    frames = [Image.fromarray(photo(rng, (20, 10))) for _ in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "PNG", save_all=True, append_images=frames[1:])
    return stream.getvalue()


def refused(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """(name, content) of files that neither Python nor C++ may take for pictures."""
    plain, drawn = jpeg(photo(rng, (161, 119))), png(rng, (161, 119), RGB, 8)
    yield "empty.jpg", b""
    yield "text.jpg", b"no picture\n"
    yield "html.png", b"<html>404</html>"
    yield "start.jpg", plain[:2]
    yield "header.jpg", plain[:300]
    yield "half.jpg", plain[: len(plain) // 2]
    yield "half-and-zeros.jpg", plain[: len(plain) // 2] + bytes(100)
    yield "half-progressive.jpg", jpeg(photo(rng, (161, 119)), progressive=True)[:2500]
    yield "signature.png", SIGNATURE
    yield "half.png", drawn[: len(drawn) // 2]
    yield "half-and-end.png", drawn[: len(drawn) // 2] + chunk(b"IEND", b"")
    yield "no-data.png", SIGNATURE + header(5, 5, RGB, 8) + chunk(b"IEND", b"")
    yield "no-pixels.png", SIGNATURE + header(0, 5, RGB, 8) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    yield "no-palette.png", png(rng, (5, 5), PALETTE, 8).replace(b"PLTE", b"pLTE")
    yield "huge.png", SIGNATURE + header(30000, 30000, RGB, 8) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    yield "vast.png", SIGNATURE + header(10**6, 10**6, RGB, 8) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    at = plain.index(b"\xff\xc0") + 5
    yield "vast.jpg", plain[:at] + struct.pack(">HH", 65500, 65500) + plain[at + 4 :]
