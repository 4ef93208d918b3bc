"""`convert`: weights of any supported file as a checkpoint of ours, or as one of the old model zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ms_core.checkpoint import LoadReport, WeightFile, read_weights
from ms_core.checkpoint.convert import write_filled
from ms_core.checkpoint.elements import printable
from ms_core.checkpoint.named_weights import NamedWeights
from ms_core.errors import UserError
from ms_core.old_zoo.rules_segformer import OLD_DECODER_WIDTH
from ms_core.segmentation.classes import MaskClasses, load_mask_classes

from ms_segformer.models import build_model
from ms_segformer.old_zoo_names import to_old_zoo
from ms_segformer.segformer import SegFormer
from ms_segformer.weights import (
    classes_of,
    decoder_width_of,
    in_our_names,
    load_weights,
    model_metadata,
    model_of,
    num_classes_of,
    palette_of,
)

Style = Literal["ours", "zoo"]


def convert_weights(
    source: Path,
    target: Path,
    *,
    to: Style = "ours",
    model: str | None = None,
    classes: str | None = None,
    overwrite: bool = False,
) -> LoadReport:
    """Write the weights in `source` under our names or the old zoo's, and print what was covered.

    An encoder alone stays one. Network, decoder width and number of classes are read off the arrays.

    Args:
        source: file of any kind that `load_weights` knows.
        target: `.ckpt` to write.
        to: "ours", or "zoo" for a file that the old code loads: its names and no metadata.
        model: network the weights are for; None to read it off the file.
        classes: file with the names of the classes (and their colours), or their number, which is then checked; None
            for what the file says.
        overwrite: replace a target that exists.

    Returns:
        What was covered.

    Raises:
        UserError: unreadable file, weights of no known network or of another one than `model`, another number of
            classes, or a network that the old zoo does not have.
    """
    weights = in_our_names(read_weights(source))
    named = _named_classes(weights, classes)
    network = build_model(
        model or model_of(weights) or _unknown(weights),
        num_classes_of(weights) or 2,  # an encoder has no classes; the decoder built for it is not written
        decoder_width=decoder_width_of(weights),
    )
    report = load_weights(network, weights)
    if to == "zoo":
        _check_old_network(network, report)
        write_filled(network, report, weights, target, None, rename=to_old_zoo, overwrite=overwrite)
    else:
        metadata = _metadata(network, report, weights, named)
        write_filled(network, report, weights, target, metadata, overwrite=overwrite)
    print(report.summary())
    print(target)
    return report


def _unknown(weights: NamedWeights) -> str:
    arrays = weights.original.arrays
    first = printable(next(iter(arrays), "no arrays"))
    raise UserError(
        f"{weights.path}: holds no encoder of segformer_b0 to segformer_b5 among its {len(arrays)} arrays "
        f"({first}, ...). Use SegFormer weights of the authors, of Hugging Face, of the old zoo or of ours."
    )


def _named_classes(weights: WeightFile, classes: str | None) -> MaskClasses | None:
    """Names from the file `classes`; their number must be that of the weights."""
    if classes is None:
        return None
    named = None if classes.isdecimal() else load_mask_classes(Path(classes))
    count = int(classes) if named is None else len(named.names)
    found = num_classes_of(weights)
    if found is None:
        raise UserError(f"{weights.path}: holds an encoder alone, which has no classes. Leave --classes out.")
    if count != found:
        raise UserError(f"--classes {classes}: {count} classes, but {weights.path} was trained for {found}.")
    return named


def _metadata(
    network: SegFormer, report: LoadReport, weights: WeightFile, named: MaskClasses | None
) -> dict[str, Any]:
    if report.covers:
        return {"model": network.model_name}
    if named is not None:
        return model_metadata(network, named.names, named.palette.tolist())
    return model_metadata(network, classes_of(weights), palette_of(weights))


def _check_old_network(network: SegFormer, report: LoadReport) -> None:
    """The old code builds one decoder width for each model and would refuse another one."""
    old = 256 if network.model_name == "segformer_b0" else OLD_DECODER_WIDTH
    if not report.covers and network.decoder_width != old:
        raise UserError(
            f"{report.path}: its decoder has {network.decoder_width} channels, {network.model_name} of the old zoo has "
            f"{old}. Train with --model.decoder-width {old} for it."
        )
