"""Stand-ins for the objects inside pickles: they can do nothing.

A pickle is a program. It calls what it names, so every name on the closed list of allowed.py leads to one of
these stand-ins and any other name is refused. It also sets attributes of whatever lies on its stack (BUILD):
each stand-in defines `__setstate__`, which BUILD calls instead.
"""

from collections.abc import Callable
from typing import Any

from ms_core.checkpoint.weight_file import UnreadableError


class Opaque:
    """An object of no use here, such as the options stored in a training checkpoint."""

    __slots__ = ()

    def __new__(cls, *_args: Any, **_kwargs: Any) -> "Opaque":
        return super().__new__(cls)

    def __setstate__(self, _state: Any) -> None:
        pass


class InertDict(dict[Any, Any]):
    """An OrderedDict, defaultdict or Counter: entries yes, attributes (torch's `_metadata`) no."""

    __slots__ = ()

    def __setstate__(self, _state: Any) -> None:
        pass


class Frozen:
    """Base of the stand-ins that carry something: a pickle cannot change them."""

    __slots__ = ()

    def __setstate__(self, _state: Any) -> None:
        raise UnreadableError("holds a pickle that tampers with its own reader. Do not use this file.")


class Constructor(Frozen):
    """A function a pickle may call by name."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build

    def __call__(self, *args: Any) -> Any:
        return self._build(*args)


class Token(Frozen):
    """A class or constant a pickle may name but not call."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
