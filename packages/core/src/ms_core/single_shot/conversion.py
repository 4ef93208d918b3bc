"""`convert`: foreign and old weights as a checkpoint of ours."""

from __future__ import annotations

from pathlib import Path

from ms_core.checkpoint.convert import convert_for
from ms_core.checkpoint.read import read_weights
from ms_core.data.classes import load_classes
from ms_core.errors import UserError
from ms_core.single_shot.package import DetectorPackage


def convert_weights(
    package: DetectorPackage, source: Path, target: Path, *, model: str, classes: str, overwrite: bool
) -> None:
    """Write `source` under our names and print what was covered.

    Args:
        classes: their number, the background included, or a file with their names, the background left out.

    Raises:
        UserError: unreadable file, or weights that do not belong to `model` with that many classes.
    """
    names = None if classes.isdecimal() else load_classes(Path(classes)).names
    count = int(classes) if names is None else len(names) + 1
    if count < 2:
        raise UserError(f"--classes {classes}: at least 2 are needed, the background is one of them.")
    weights = read_weights(source)
    network = package.build_model(model, num_classes=count, padding=package.padding_of(weights))
    metadata = {"model": model, "variant": network.variant, "padding": network.padding, "num_classes": count}
    if names is not None:
        metadata["classes"] = list(names)
    report = convert_for(
        network, weights, target, package.weight_sources(model), metadata, overwrite=overwrite
    )
    print(report.summary())
    print(target)
