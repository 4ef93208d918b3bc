"""`convert`: weights of any supported file as a checkpoint of ours, or a trunk as one of the old MindSpore port."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn

from ms_core.checkpoint import LoadReport, WeightFile, read_weights
from ms_core.checkpoint.convert import write_filled
from ms_core.checkpoint.elements import printable
from ms_core.checkpoint.named_weights import NamedWeights
from ms_core.data.classes import load_classes
from ms_core.errors import UserError

from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.detectron2_names import is_trunk
from ms_defrcn.models import build_model
from ms_defrcn.old_zoo_names import OLD_ZOO, to_old_zoo_trunk
from ms_defrcn.pcb_network import PcbNetwork
from ms_defrcn.torchvision_names import has_bottlenecks
from ms_defrcn.weights import (
    PCB_MODEL,
    anchor_options_of,
    classes_of,
    in_our_names,
    load_pcb_weights,
    load_weights,
    model_metadata,
    model_of,
    num_classes_of,
)

Style = Literal["ours", "zoo"]

_ALL_BUT_RPN = ("backbone.", "affine_", "roi_heads.")
"""Beginnings of what an old checkpoint has for our networks."""


def convert_weights(
    source: Path,
    target: Path,
    *,
    to: Style = "ours",
    model: str | None = None,
    classes: str | None = None,
    overwrite: bool = False,
) -> LoadReport:
    """Write the weights in `source` under our names or the old port's, and print what was covered.

    A trunk stays one, and torchvision's ResNet-101 becomes the calibration network. Network, anchors and number of
    classes are read off the arrays.

    Args:
        source: file of any kind that `load_weights` or `load_pcb_weights` knows; see `PUBLISHED`.
        target: `.ckpt` to write.
        to: "ours", or "zoo" for a trunk or calibration network that the old code loads: its names and no metadata.
        model: network the weights are for; None to read it off the file.
        classes: file with the names of the classes, or their number, which is then checked; None for what the file
            says.
        overwrite: replace a target that exists.

    Returns:
        What was covered.

    Raises:
        UserError: unreadable file, weights of no known network or of another one than `model`, another number of
            classes, or a network that the old port does not have.
    """
    weights = read_weights(source)
    if model == PCB_MODEL or (model is None and has_bottlenecks(weights.arrays)):
        report = _convert_calibration(weights, target, to, classes, overwrite)
    else:
        report = _convert_network(in_our_names(weights), target, to, model, classes, overwrite)
    print(report.summary())
    print(target)
    return report


def _convert_calibration(
    weights: WeightFile, target: Path, to: Style, classes: str | None, overwrite: bool
) -> LoadReport:
    """The names of the calibration network are the old port's as well."""
    if classes is not None:
        raise UserError(
            f"{weights.path}: the calibration network's classes are ImageNet's. Leave --classes out."
        )
    network = PcbNetwork()
    report = load_pcb_weights(network, weights)
    metadata = None if to == "zoo" else {"model": PCB_MODEL}
    write_filled(network, report, weights, target, metadata, overwrite=overwrite)
    return report


def _convert_network(
    weights: NamedWeights, target: Path, to: Style, model: str | None, classes: str | None, overwrite: bool
) -> LoadReport:
    if to == "zoo" and not is_trunk(weights.arrays):
        raise UserError(
            f"{weights.path}: is more than a trunk, and the old port's region proposal network has other anchors, so "
            "it cannot use this network. Leave --to zoo out."
        )
    names = _named_classes(weights, classes)
    network = build_model(
        model or model_of(weights) or _unknown(weights),
        num_classes_of(weights) or 1,  # a trunk has no classes; the predictors built for it are not written
        **anchor_options_of(weights),
    )
    report = load_weights(network, weights)
    if weights.source is OLD_ZOO:
        report = replace(report, covers=_ALL_BUT_RPN)
    if to == "zoo":
        write_filled(network, report, weights, target, None, rename=to_old_zoo_trunk, overwrite=overwrite)
    else:
        metadata = _metadata(network, weights, names)
        write_filled(network, report, weights, target, metadata, overwrite=overwrite)
    return report


def _metadata(network: DeFRCN, weights: NamedWeights, names: tuple[str, ...] | None) -> dict[str, Any]:
    if is_trunk(weights.arrays):
        return {"model": network.model_name}
    return model_metadata(network, names or classes_of(weights))


def _unknown(weights: NamedWeights) -> NoReturn:
    arrays = weights.original.arrays
    first = printable(next(iter(arrays), "no arrays"))
    raise UserError(
        f"{weights.path}: holds no ResNet of defrcn_r18, defrcn_r50 or defrcn_r101 among its {len(arrays)} arrays "
        f"({first}, ...). Use an ImageNet ResNet of MSRA, a DeFRCN network of detectron2 or the old port, or ours."
    )


def _named_classes(weights: WeightFile, classes: str | None) -> tuple[str, ...] | None:
    """Names from the file `classes`; their number must be that of the weights."""
    if classes is None:
        return None
    names = None if classes.isdecimal() else load_classes(Path(classes)).names
    count = int(classes) if names is None else len(names)
    found = num_classes_of(weights)
    if found is None:
        raise UserError(f"{weights.path}: holds a trunk alone, which has no classes. Leave --classes out.")
    if count != found:
        raise UserError(f"--classes {classes}: {count} classes, but {weights.path} was trained for {found}.")
    return names
