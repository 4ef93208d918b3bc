"""Filling a network of this package from a file, whoever wrote the file, and what a file tells of its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ms_core.checkpoint import (
    NATIVE,
    LoadReport,
    WeightFile,
    WeightSource,
    load_into,
    read_model_card,
    read_weights,
    require_complete,
)
from ms_core.checkpoint.elements import printable
from ms_core.checkpoint.named_weights import NamedWeights, named_weights
from ms_core.errors import UserError

from ms_defrcn.anchors import cell_anchors
from ms_defrcn.caffe2_names import CAFFE2
from ms_defrcn.config import ModelConfig
from ms_defrcn.detectron2_names import (
    CELL_ANCHORS,
    DETECTRON2,
    DETECTRON2_TRUNK,
    FIRST_CONVOLUTION,
    TRUNK,
    is_trunk,
)
from ms_defrcn.old_zoo_names import OLD_ZOO, OLD_ZOO_TRUNK, RPN, WHY_NO_RPN
from ms_defrcn.torchvision_names import TORCHVISION, TORCHVISION_TRUNK, has_bottlenecks

if TYPE_CHECKING:
    from ms_defrcn.defrcn import DeFRCN
    from ms_defrcn.pcb_network import PcbNetwork

PREDICTOR = "roi_heads.box_predictor."
"""Beginning of the two layers that depend on the classes."""
CLASSIFIER = f"{PREDICTOR}cls_score."
"""[K + 1, features]; the background is the last row."""
BOXES = f"{PREDICTOR}bbox_pred."
"""[4 K, features]; four rows a class."""

PCB_MODEL = "pcb_resnet101"
"""What a converted calibration network calls itself."""

_SIZES = {(True, 23): "defrcn_r101", (True, 6): "defrcn_r50", (False, 2): "defrcn_r18"}
"""Whether blocks are bottlenecks, and blocks in res4 -> model."""

USUAL_SIZES, USUAL_RATIOS = ModelConfig().anchor_sizes, ModelConfig().anchor_ratios

_ANCHOR_KEYS = ("anchor_sizes", "anchor_ratios")
"""Options of `build_model` that weights of the RPN depend on."""


def _is_own_trunk(arrays: Mapping[str, np.ndarray]) -> bool:
    return f"{TRUNK[0]}stem.conv1.norm.gamma" in arrays and is_trunk(arrays)


OWN_TRUNK = WeightSource("own names, trunk", _is_own_trunk, NATIVE.translate, covers=TRUNK)
"""What `convert` makes of an ImageNet file."""

SOURCES = (
    OWN_TRUNK,
    DETECTRON2,
    DETECTRON2_TRUNK,
    CAFFE2,
    TORCHVISION_TRUNK,
    OLD_ZOO,
    OLD_ZOO_TRUNK,
)
"""Files a network can be filled from, beside its own checkpoints; no two of them recognise the same file."""


def load_weights(network: DeFRCN, path: Path | str | WeightFile) -> LoadReport:
    """Fill `network` from any file that `SOURCES` or a checkpoint of ours describe.

    Args:
        network: from `build_model`.
        path: .ckpt, .pth, .pt, .pkl, .safetensors or .npz; whose it is is recognised from the names inside. Or what
            `ms_core.checkpoint.read_weights` returned for it, so that it is read only once.

    Returns:
        Report with the lists `matched`, `missing`, `unexpected`, `reshaped` and the `source`. What is not matched
        keeps its initial weights: all but the trunk where the file is a classification network, the predictors where
        it is for another number of classes, the RPN of an old MindSpore checkpoint.

    Raises:
        UserError: unreadable file; nothing in it fits, or of a trunk not all; or it is for another model or anchors.
    """
    named = _named(path)
    _check_model(network, named)
    _check_anchors(network, named)
    if named.source.covers:
        _check_trunk(network, named)
    report = load_into(network, named.original, _sources_of(named))
    return replace(report, file_classes=num_classes_of(named))


def load_trunk(network: DeFRCN, path: Path | str | WeightFile) -> LoadReport:
    """As `load_weights`, but of a whole network only the trunk is taken, whatever its anchors are.

    Raises:
        UserError: unreadable file, no trunk in it, or one of another model.
    """
    named = _named(path)
    _check_model(network, named)
    _check_trunk(network, named)
    trunk = {name: array for name, array in named.arrays.items() if name.startswith(TRUNK)}
    source = WeightSource(named.source.name, lambda _: True, lambda _: trunk, covers=TRUNK)
    report = load_into(network, WeightFile(trunk, named.metadata, named.format, named.path), (source,))
    return replace(report, file_arrays=len(named.original.arrays))


def load_complete(network: DeFRCN, path: Path | str | WeightFile) -> LoadReport:
    """As `load_weights`, and insist that the file fills the whole network, as inference needs.

    Raises:
        UserError: as `load_weights`, or something is missing.
    """
    named = _named(path)
    report = load_weights(network, named)
    if named.source is OLD_ZOO and any(name.startswith(RPN) for name in report.missing):
        raise UserError(
            f"{named.path}: {WHY_NO_RPN}, so nothing can be detected with it. Fine-tune from it first, or use a "
            "network trained here."
        )
    return require_complete(report)


def load_pcb_weights(network: PcbNetwork, path: Path | str | WeightFile) -> LoadReport:
    """Fill the calibration network from torchvision's ResNet-101, or from what `convert` made of it.

    Raises:
        UserError: unreadable file, or one that does not fill the network.
    """
    weights = path if isinstance(path, WeightFile) else read_weights(path)
    if not _is_pcb(weights.arrays):
        raise UserError(
            f"{weights.path}: is no ImageNet ResNet-101 of torchvision ({len(weights.arrays)} arrays). Scores are "
            "calibrated with resnet101-5d3b4d8f.pth, or what `convert` makes of it."
        )
    return require_complete(load_into(network, weights, (TORCHVISION,)))


def _is_pcb(arrays: Mapping[str, np.ndarray]) -> bool:
    return has_bottlenecks(arrays) and "fc.weight" in arrays


def _named(path: Path | str | WeightFile) -> NamedWeights:
    return in_our_names(path if isinstance(path, WeightFile) else read_weights(path))


def in_our_names(weights: WeightFile) -> NamedWeights:
    """The same file with the names and the layout of this package's networks; see `named_weights`.

    Raises:
        UserError: two arrays of the file stand for one parameter.
    """
    return named_weights(weights, SOURCES)


def _sources_of(named: NamedWeights) -> tuple[WeightSource, ...]:
    if named.source is NATIVE:
        return ()
    return (replace(named.source, translate=lambda _: named.arrays),)


def model_of(weights: WeightFile) -> str | None:
    """Which model a file is for, by the sizes of its trunk, else by what it says; None where neither tells."""
    return _model_by_sizes(in_our_names(weights).arrays) or read_model_card(weights).model


def _model_by_sizes(arrays: Mapping[str, np.ndarray]) -> str | None:
    """The model whose blocks a trunk under our names has."""
    beginning = f"{TRUNK[0]}res4."
    blocks = {name.removeprefix(beginning).partition(".")[0] for name in arrays if name.startswith(beginning)}
    return _SIZES.get((f"{beginning}0.conv3.weight" in arrays, len(blocks)))


def num_classes_of(weights: WeightFile) -> int | None:
    """Number of classes a file was trained for, the background not counted; None where it holds no predictors."""
    rows = in_our_names(weights).arrays.get(f"{CLASSIFIER}bias")
    if rows is not None and rows.ndim == 1 and len(rows) > 1:
        return len(rows) - 1
    return read_model_card(weights).num_classes


def classes_of(weights: WeightFile) -> tuple[str, ...] | None:
    """Names of the classes a file was trained for, where it states one for each of them."""
    names = read_model_card(weights).classes
    return names if names and num_classes_of(weights) in (None, len(names)) else None


def anchor_options_of(weights: WeightFile) -> dict[str, Any]:
    """Options of `build_model` for the anchors a file was trained with, where it says that they are not the usual.

    Raises:
        UserError: what a checkpoint of ours says of them are no numbers, or anchors that no sizes and ratios make.
    """
    cells = in_our_names(weights).original.arrays.get(CELL_ANCHORS)
    if cells is not None:
        return _sizes_and_ratios(cells, weights.path)
    stated = {key: weights.metadata[key] for key in _ANCHOR_KEYS if weights.metadata.get(key) is not None}
    for key, value in stated.items():
        numbers = isinstance(value, list) and all(type(number) in (int, float) for number in value)
        if not numbers or not value or min(value) <= 0:
            raise UserError(
                f"{weights.path}: metadata {key}: is no list of numbers above 0. The file was damaged or edited; get "
                "it again."
            )
    return {key: tuple(map(float, value)) for key, value in stated.items()}


def _sizes_and_ratios(cells: np.ndarray, path: Path) -> dict[str, tuple[float, ...]]:
    """Sizes and ratios of the anchors [A, 4] that detectron2 stores; {} for the usual ones."""
    if same_anchors(cells, cell_anchors(USUAL_SIZES, USUAL_RATIOS)):
        return {}
    sides = (cells[:, 2:] - cells[:, :2]).astype(np.float64)  # widths and heights
    sizes = dict.fromkeys(np.sqrt(sides.prod(1)).round(2).tolist())
    ratios = dict.fromkeys((sides[:, 1] / sides[:, 0]).round(3).tolist())
    if not same_anchors(cells, cell_anchors(tuple(sizes), tuple(ratios))):
        raise UserError(f"{path}: {CELL_ANCHORS}: anchors that no sizes and ratios make. Use other weights.")
    return {"anchor_sizes": tuple(sizes), "anchor_ratios": tuple(ratios)}


def same_anchors(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two sets of anchors [A, 4] are the same to a fraction of a pixel."""
    return first.shape == second.shape and bool(np.allclose(first, second, atol=0.05))


def model_metadata(
    network: DeFRCN, classes: Sequence[str] | None = None, category_ids: Sequence[int] | None = None
) -> dict[str, Any]:
    """What a checkpoint says of its network, so that nobody has to remember it.

    Args:
        network: whose weights it holds.
        classes: names in label order, as many as the network has; None: unknown.
        category_ids: of each of them in the annotations of the training.
    """
    return {
        "model": network.model_name,
        **network.options,
        "num_classes": network.num_classes,
        "background": False,
        **({} if classes is None else {"classes": list(classes)}),
        **({} if category_ids is None else {"category_ids": [int(number) for number in category_ids]}),
    }


def _check_model(network: DeFRCN, weights: NamedWeights) -> None:
    """Networks of several sizes share names and shapes: filled in part, one would look like a bad one."""
    if has_bottlenecks(weights.original.arrays):
        raise UserError(
            f"{weights.path}: torchvision's ResNet has its strides in the 3x3 convolutions, {network.model_name} in "
            "the 1x1, so it cannot start from it. Use MSRA's R-50.pkl or R-101.pkl; torchvision's ResNet-101 is for "
            "pcb.weights."
        )
    found = _model_by_sizes(weights.arrays)
    if found not in (None, network.model_name):
        raise UserError(
            f"{weights.path}: holds weights of {found}, the network is {network.model_name}. Build that one (option "
            f"--model.name {found}), or give a file of {network.model_name}."
        )


def _check_anchors(network: DeFRCN, weights: NamedWeights) -> None:
    """Weights of the RPN only make sense with the anchors they were trained with, of which shapes say little."""
    if is_trunk(weights.arrays) or FIRST_CONVOLUTION not in weights.arrays:
        return
    options = anchor_options_of(weights)
    trained = cell_anchors(
        options.get("anchor_sizes", USUAL_SIZES), options.get("anchor_ratios", USUAL_RATIOS)
    )
    stated = CELL_ANCHORS in weights.original.arrays or read_model_card(weights).model is not None
    if stated and not same_anchors(trained, network.anchors.cell_anchors):
        raise UserError(
            f"{weights.path}: its region proposal network was trained with other anchors. Set model.anchor_sizes and "
            "model.anchor_ratios as there, or take only the trunk with --backbone-weights."
        )


def _check_trunk(network: DeFRCN, weights: NamedWeights) -> None:
    """Training on top of a trunk of which a part keeps random weights diverges at once."""
    wanted = {name: tuple(p.shape) for name, p in network.parameters_dict().items() if name.startswith(TRUNK)}
    absent = [
        name
        for name, shape in wanted.items()
        if name not in weights.arrays or weights.arrays[name].shape != shape
    ]
    if absent:
        first = printable(next(iter(weights.original.arrays), "no arrays"))
        raise UserError(
            f"{weights.path}: fills {len(wanted) - len(absent)} of the {len(wanted)} parameters of the trunk of "
            f"{network.model_name}; {absent[0]} is the first it lacks (it begins with {first}). Use weights of this "
            "model, or get the file again."
        )
