"""SegFormer semantic segmentation for MindSpore.

`build_model`, `load_weights` and `MODELS` are looked up on first use, so that `import ms_segformer` (and with it
`ms-segformer --help`) does not wait four seconds for MindSpore.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ms_segformer.models import MODELS, build_model
    from ms_segformer.weights import load_weights

__version__ = version("ms-segformer")

_HOMES = {
    "MODELS": "ms_segformer.models",
    "build_model": "ms_segformer.models",
    "load_weights": "ms_segformer.weights",
}

__all__ = ["MODELS", "__version__", "build_model", "load_weights"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
