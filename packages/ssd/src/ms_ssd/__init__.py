"""SSD object detection for MindSpore.

`build_model`, `load_weights` and `MODELS` are looked up on first use, so that `import ms_ssd` (and with it
`ms-ssd --help`) does not wait four seconds for MindSpore.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ms_ssd.models import MODELS, build_model
    from ms_ssd.weights import load_weights, padding_of

__version__ = version("ms-ssd")

_HOMES = {
    "MODELS": "ms_ssd.models",
    "build_model": "ms_ssd.models",
    "load_weights": "ms_ssd.weights",
    "padding_of": "ms_ssd.weights",
}

__all__ = ["MODELS", "__version__", "build_model", "load_weights", "padding_of"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
