"""A font that can write a class name, whatever its script.

OpenCV draws ASCII only, and so does the font inside Pillow. DejaVu Sans (Latin, Greek, Cyrillic and more)
comes with OpenCV's Linux wheels and with matplotlib; Chinese, Japanese, Korean and other scripts need a font
of the system. A character that no font at hand can draw is written without its accent, or as its code
(U+732B), never as an empty box.
"""

import importlib.util
import logging
import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONT_VARIABLE = "MS_CORE_FONT"
"""Environment variable with the path of a font file to try first."""

_PACKAGED = (
    ("cv2", "qt/fonts/DejaVuSans-Bold.ttf"),
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf"),
)
# Found by name in the system's font folders: Linux, then Windows, then macOS; each with its fonts for CJK.
_SYSTEM = (
    "DejaVuSans-Bold.ttf",
    "NotoSans-Bold.ttf",
    "LiberationSans-Bold.ttf",
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "segoeuib.ttf",
    "arialbd.ttf",
    "msyh.ttc",
    "meiryo.ttc",
    "malgun.ttf",
    "Arial Bold.ttf",
    "Arial Unicode.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc",
)
_PROBE_SIZE = 16

Font = ImageFont.FreeTypeFont


def label_font(text: str, size: int) -> tuple[Font, str]:
    """A font of `size` pixels for `text`, and the text as that font can write it."""
    source, written = _fitting(" ".join(text.split()))
    return _load(source, size), written


@lru_cache(maxsize=4096)
def _fitting(text: str) -> tuple[str, str]:
    """(font source, text): the first font with every character, else the one with most of them."""
    best, most = "", -1
    for source in _sources():
        known = sum(_draws(source, character) for character in text)
        if known > most:
            best, most = source, known
        if known == len(text):
            return best, text
    written = " ".join("".join(_substitute(best, character) for character in text).split())
    logging.getLogger(__name__).warning(
        "no font at hand can write %r; it is drawn as %r. "
        "Install a font for its script (for example Noto Sans CJK) or name a font file in %s.",
        text,
        written,
        FONT_VARIABLE,
    )
    return best, written


def _sources() -> Iterator[str]:
    """Fonts to try, best first; "" is Pillow's own, which always loads."""
    candidates = [os.environ.get(FONT_VARIABLE, ""), *_packaged(), *_SYSTEM]
    yield from (source for source in candidates if source and _loads(source))
    yield ""


def _packaged() -> Iterator[str]:
    for package, path in _PACKAGED:
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            yield str(Path(spec.origin).parent / path)


@lru_cache(maxsize=64)
def _loads(source: str) -> bool:
    try:
        _load(source, _PROBE_SIZE)
    except OSError:
        return False
    return True


@lru_cache(maxsize=64)
def _load(source: str, size: int) -> Font:
    font = ImageFont.truetype(source, size) if source else ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # what load_default returns when given a size
    return font


@lru_cache(maxsize=4096)
def _draws(source: str, character: str) -> bool:
    """Does the font have this character? One it lacks looks like one that no font has."""
    if character.isspace() or unicodedata.combining(character):
        return True
    return _picture(source, character) != _picture(source, "\U000effff")


def _picture(source: str, character: str) -> tuple[tuple[int, int], bytes]:
    mask = _load(source, _PROBE_SIZE).getmask(character)
    return mask.size, bytes(mask)


def _substitute(source: str, character: str) -> str:
    if _draws(source, character):
        return character
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    if plain and all(_draws(source, c) for c in plain):
        return plain
    return f" U+{ord(character):04X} "
