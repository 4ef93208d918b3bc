"""What a model package tells the shared verbs about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ms_core.errors import UserError

if TYPE_CHECKING:
    from importlib.abc import Traversable

    from ms_core.checkpoint.read import WeightFile
    from ms_core.single_shot.config import ModelConfig


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
    model_options: tuple[str, ...] = ()
    """What else of the section `model` its `build_model` takes: backbone_norm, min_scale."""
    options_of: Callable[[WeightFile], dict[str, Any]] = lambda weights: {}
    """Those options of the network that a file holds, where they are not the usual ones."""

    def options(self, model: ModelConfig) -> dict[str, Any]:
        """The options that a configuration changes, as arguments of `build_model`.

        Raises:
            UserError: an option that no network of this package has.
        """
        stated = {"backbone_norm": model.backbone_norm or None, "min_scale": model.min_scale}
        changed = {name: value for name, value in stated.items() if value is not None}
        for name in changed:
            if name not in self.model_options:
                raise UserError(f"model.{name}: no network of {self.tool} has this option. Leave it away.")
        return changed
