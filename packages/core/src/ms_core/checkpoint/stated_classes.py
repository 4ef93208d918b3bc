"""The classes that OpenMMLab's programs and their like keep beside the weights, in the `meta` of a PyTorch file."""

from dataclasses import dataclass
from typing import Any

_LONGEST = 200
"""Characters of a name."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class StatedClasses:
    """Names in label order, and their colours where they are stated as well."""

    names: tuple[str, ...] = ()
    """() where the file states none."""
    palette: tuple[Colour, ...] = ()
    """RGB 0-255 of each name, or ()."""


def find_classes(value: Any) -> StatedClasses:
    """Read `meta` of an unpickled training checkpoint: CLASSES and PALETTE, or classes and palette in `dataset_meta`.

    A stranger wrote it, and weights are of use without: what is not plain text is passed over.
    """
    meta = value.get("meta") if isinstance(value, dict) else None
    if not isinstance(meta, dict):
        return StatedClasses()
    names, palette = meta.get("CLASSES"), meta.get("PALETTE")
    if isinstance(inner := meta.get("dataset_meta"), dict):
        names, palette = inner.get("classes", names), inner.get("palette", palette)
    if not isinstance(names, list | tuple) or not names or not all(map(_is_name, names)):
        return StatedClasses()
    return StatedClasses(tuple(names), _palette(palette, len(names)))


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _palette(value: Any, count: int) -> tuple[Colour, ...]:
    if not isinstance(value, list | tuple) or len(value) != count or not all(map(_is_colour, value)):
        return ()
    return tuple((red, green, blue) for red, green, blue in value)


def _is_colour(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and all(type(part) is int and 0 <= part <= 255 for part in value)
    )
