"""DeFRCN few-shot object detection for MindSpore.

`build_model`, `load_weights` and `MODELS` are looked up on first use, so that `import ms_defrcn` (and with it
`ms-defrcn --help`) does not wait four seconds for MindSpore.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ms_defrcn.models import MODELS, build_model
    from ms_defrcn.weights import load_weights

__version__ = version("ms-defrcn")

_HOMES = {
    "MODELS": "ms_defrcn.models",
    "build_model": "ms_defrcn.models",
    "load_weights": "ms_defrcn.weights",
}

__all__ = ["MODELS", "__version__", "build_model", "load_weights"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
