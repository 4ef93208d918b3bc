"""SSDLite-MobileNetV2-FPN object detection for MindSpore.

`build_model`, `load_weights` and `MODELS` are looked up on first use, so that `import ms_ssdlite_fpn` (and with it
`ms-ssdlite-fpn --help`) does not wait four seconds for MindSpore.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ms_ssdlite_fpn.models import MODELS, build_model
    from ms_ssdlite_fpn.weights import load_weights, padding_of

__version__ = version("ms-ssdlite-fpn")

_HOMES = {
    "MODELS": "ms_ssdlite_fpn.models",
    "build_model": "ms_ssdlite_fpn.models",
    "load_weights": "ms_ssdlite_fpn.weights",
    "padding_of": "ms_ssdlite_fpn.weights",
}

__all__ = ["MODELS", "__version__", "build_model", "load_weights", "padding_of"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
