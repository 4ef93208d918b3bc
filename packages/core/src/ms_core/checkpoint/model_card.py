"""What a checkpoint of ours says of the model in it, checked before anything is built from it."""

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ms_core.checkpoint.elements import printable
from ms_core.checkpoint.read import read_metadata
from ms_core.checkpoint.weight_file import WeightFile
from ms_core.errors import UserError


@dataclass(frozen=True)
class ModelCard:
    """The model that a checkpoint was written for. None: the file does not say."""

    path: Path
    """The file."""
    model: str | None = None
    """Name of the network, such as `ssd300`."""
    variant: str | None = None
    """"zoo" or "paper"."""
    padding: str | None = None
    """"same" or "torch"."""
    num_classes: int | None = None
    """Classes, >= 1. Unless `background` is False, the background is one of them, and there are at least 2."""
    classes: tuple[str, ...] | None = None
    """Names of the classes without the background: num_classes - 1, or all where `background` is False."""
    category_ids: tuple[int, ...] | None = None
    """Category id of each class in the annotation files of the training; as many as `classes`."""
    input_size: tuple[int, int] | None = None
    """Height and width of the input, pixels."""
    mean: tuple[float, float, float] | None = None
    """Subtracted from the red, green and blue of an image with values 0-1."""
    std: tuple[float, float, float] | None = None
    """What red, green and blue are then divided by, > 0."""
    min_scale: float | None = None
    """Side of the smallest scale of default boxes relative to the image, where it is not the usual one."""
    background: bool | None = None
    """False: the network has no class but the named ones, or does not count its background; otherwise a background is
    its first."""
    palette: tuple[tuple[int, int, int], ...] | None = None
    """Colour of each class in pictures, red, green and blue 0-255; as many as `classes`."""
    decoder_width: int | None = None
    """Channels of a segmentation network's decoder."""


def read_model_card(source: str | Path | WeightFile) -> ModelCard:
    """What a file says of its model.

    Args:
        source: a file, of which only the metadata is read; or what `read_weights` returned for it.

    Returns:
        The card; all None for a readable file of anybody else.

    Raises:
        UserError: unreadable file, an entry of a wrong type, or numbers of classes that disagree.
    """
    if isinstance(source, WeightFile):
        return _checked_card(source.path, source.metadata)
    return _checked_card(Path(source), read_metadata(source))


def _checked_card(path: Path, metadata: Mapping[str, Any]) -> ModelCard:
    stated = {key: metadata[key] for key in FIELDS if metadata.get(key) is not None}
    for key, value in stated.items():
        what, valid = FIELDS[key]
        if not valid(value):
            _refuse(path, key, f"is {_shown(value)}, not {what}")
    fields = {key: _as_tuple(value) for key, value in stated.items()}
    card = ModelCard(path, **fields)
    _check_counts(card)
    return card


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _check_counts(card: ModelCard) -> None:
    """All that is stated for each class must be for the same number of classes."""
    unnamed = 0 if card.background is False else 1
    if card.num_classes is not None and card.num_classes <= unnamed:
        _refuse(
            card.path, "num_classes", f"is {card.num_classes}, which leaves no class besides the background"
        )
    counts = {
        "num_classes": None if card.num_classes is None else card.num_classes - unnamed,
        "classes": None if card.classes is None else len(card.classes),
        "category_ids": None if card.category_ids is None else len(card.category_ids),
        "palette": None if card.palette is None else len(card.palette),
    }
    beside = " besides the background" if unnamed else ""
    known = [(key, count) for key, count in counts.items() if count is not None]
    for key, count in known[1:]:
        first, expected = known[0]
        if count != expected:
            _refuse(card.path, key, f"is for {count} classes{beside}, {first} for {expected}")


def _refuse(path: Path, key: str, what: str) -> NoReturn:
    raise UserError(f"{path}: metadata {key}: {what}. The file was damaged or edited; get it again.")


def _shown(value: Any) -> str:
    return printable(reprlib.repr(value))  # cuts what is long or deep


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_whole(value: Any) -> bool:
    return type(value) is int  # bool is an int to Python, not to us


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -math.inf < value < math.inf


def _is_colour(value: Any) -> bool:
    return _is_list(value, lambda part: type(part) is int and 0 <= part <= 255, 3)


def _is_list(value: Any, valid: Callable[[Any], bool], length: int | None = None) -> bool:
    return isinstance(value, list) and len(value) == (length or max(len(value), 1)) and all(map(valid, value))


FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "model": ("a name", _is_name),
    "variant": ("a name", _is_name),
    "padding": ("a name", _is_name),
    "num_classes": ("a whole number above 0", _is_count),
    "classes": ("a list of names", lambda value: _is_list(value, _is_text)),
    "category_ids": ("a list of whole numbers", lambda value: _is_list(value, _is_whole)),
    "input_size": ("a height and a width in pixels", lambda value: _is_list(value, _is_count, 2)),
    "mean": ("three numbers", lambda value: _is_list(value, _is_number, 3)),
    "std": ("three numbers above 0", lambda v: _is_list(v, lambda n: _is_number(n) and n > 0, 3)),
    "background": ("true or false", lambda value: type(value) is bool),
    "palette": ("a list of three numbers 0-255 each", lambda value: _is_list(value, _is_colour)),
    "decoder_width": ("a whole number above 0", _is_count),
    "min_scale": ("a number between 0 and 1", lambda value: _is_number(value) and 0 < value < 1),
}
"""Key in the metadata -> what its value must be, in words and as a test."""
