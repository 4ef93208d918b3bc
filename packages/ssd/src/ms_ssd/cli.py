"""The command `ms-ssd`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ms_core.cli import Tool, run
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.verbs import detector_tool

import ms_ssd

if TYPE_CHECKING:
    from ms_core.checkpoint.read import WeightFile


def package() -> DetectorPackage:
    """This package as the shared verbs see it."""
    return DetectorPackage(
        tool="ms-ssd",
        version=ms_ssd.__version__,
        recipes=files("ms_ssd") / "configs",
        demo_recipe="ssd300_demo",
        example="--config ssd300_finetune --weights mobilenet_v2-b0353104.pth",
        build_model=_build_model,
        load_weights=_load_weights,
        weight_sources=_weight_sources,
        padding_of=_padding_of,
        model_options=("backbone_norm", "min_scale"),
        options_of=_options_of,
    )


def tool() -> Tool:
    """The command with its verbs."""
    return detector_tool(package(), "SSD object detection: train, evaluate, predict, export.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    return run(tool(), argv)


def _build_model(*args: Any, **options: Any) -> Any:
    return ms_ssd.build_model(*args, **options)


def _load_weights(network: Any, weights: WeightFile) -> Any:
    return ms_ssd.load_weights(network, weights)


def _weight_sources(model: str) -> Any:
    from ms_ssd.zoo import SOURCES

    return SOURCES[model]


def _padding_of(weights: WeightFile) -> str:
    return ms_ssd.padding_of(weights)


def _options_of(weights: WeightFile) -> dict[str, Any]:
    from ms_ssd.weights import options_of

    return options_of(weights)
