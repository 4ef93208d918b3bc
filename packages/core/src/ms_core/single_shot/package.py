"""What a model package tells the shared verbs about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Traversable

    from ms_core.checkpoint.read import WeightFile


@dataclass(frozen=True)
class DetectorPackage:
    """One model package (ms-ssd, ms-ssdlite-fpn) as the shared verbs see it.

    The callables import MindSpore when they are called, never before: `ms-ssd --help` stays quick.
    """

    tool: str
    """Name of the command, e.g. "ms-ssd"."""
    version: str
    """Version of the package."""
    demo_recipe: str
    """Recipe of the demo."""
    example: str
    """Options of a typical training, for the help: recipe and weights."""
    recipes: Traversable
    """Folder of YAML recipes inside the wheel."""
    build_model: Callable[..., Any]
    """`build_model(name, num_classes, *, variant, padding)`; `num_classes` counts the background."""
    load_weights: Callable[[Any, WeightFile], Any]
    """`load_weights(network, weights) -> LoadReport`."""
    weight_sources: Callable[[str], Any]
    """`weight_sources(model name)`: foreign and old files that the network can be filled from."""
    padding_of: Callable[[WeightFile], str]
    """Padding style that weights were trained with: "same" or "torch"."""
