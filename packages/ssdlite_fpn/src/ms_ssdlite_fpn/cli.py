"""The command `ms-ssdlite-fpn`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ms_core.cli import Tool, run
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.verbs import detector_tool

import ms_ssdlite_fpn

if TYPE_CHECKING:
    from ms_core.checkpoint.read import WeightFile


def package() -> DetectorPackage:
    """This package as the shared verbs see it."""
    return DetectorPackage(
        tool="ms-ssdlite-fpn",
        version=ms_ssdlite_fpn.__version__,
        recipes=files("ms_ssdlite_fpn") / "configs",
        demo_recipe="ssdlite_mobilenetv2_fpn_demo",
        example="--config ssdlite_mobilenetv2_fpn_finetune --weights mobilenet_v2-b0353104.pth",
        build_model=_build_model,
        load_weights=_load_weights,
        weight_sources=_weight_sources,
        padding_of=_padding_of,
    )


def tool() -> Tool:
    """The command with its verbs."""
    return detector_tool(package(), "SSDLite-FPN object detection: train, evaluate, predict, export.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    return run(tool(), argv)


def _build_model(*args: Any, **options: Any) -> Any:
    return ms_ssdlite_fpn.build_model(*args, **options)


def _load_weights(network: Any, weights: WeightFile) -> Any:
    return ms_ssdlite_fpn.load_weights(network, weights)


def _weight_sources(model: str) -> Any:
    from ms_ssdlite_fpn.zoo import SOURCES

    return SOURCES[model]


def _padding_of(weights: WeightFile) -> str:
    return ms_ssdlite_fpn.padding_of(weights)
