"""A trained network, from a run folder or a checkpoint, with the classes it knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ms_core.checkpoint import WeightFile, read_weights, require_complete
from ms_core.errors import UserError
from ms_core.run_target import checkpoint_of
from ms_core.segmentation import cityscapes_labels
from ms_core.segmentation.classes import MaskClasses, load_mask_classes
from ms_core.segmentation.palette import MOST_CLASSES, default_palette

from ms_segformer.config import SegFormerConfig
from ms_segformer.models import build_model
from ms_segformer.segformer import SegFormer
from ms_segformer.weights import (
    classes_of,
    decoder_width_of,
    in_our_names,
    load_weights,
    model_of,
    num_classes_of,
    palette_of,
)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A network ready for inference."""

    network: SegFormer
    name: str
    """Network, one of the package's models."""
    classes: tuple[str, ...]
    """Names of the classes in label order."""
    palette: np.ndarray
    """uint8 [K, 3] RGB."""
    checkpoint: Path


def load_trained(target: Path, config: SegFormerConfig) -> TrainedModel:
    """Build the network a checkpoint was made for and load it completely.

    Network, decoder width and number of classes are read off the file. A checkpoint of ours names its classes; for
    another one `config.data.classes` does, and 19 unnamed classes are those of Cityscapes.

    Raises:
        UserError: no such file, classes unknown, or the file does not fill the network.
    """
    weights = in_our_names(read_weights(checkpoint_of(target)))
    name = model_of(weights) or config.model.name
    if not name:
        raise UserError(f"{weights.path}: this file does not name its network. Pass --model.name.")
    count = num_classes_of(weights)
    if count is None:
        raise UserError(
            f"{weights.path}: holds an encoder alone, so there is nothing to segment with. Train it first."
        )
    if count > MOST_CLASSES:
        raise UserError(f"{weights.path}: {count} classes; maps of 8 bits hold at most {MOST_CLASSES}.")
    classes = _classes(weights, count, config)
    network = build_model(name, count, decoder_width=decoder_width_of(weights))
    require_complete(load_weights(network, weights))
    network.set_train(False)
    return TrainedModel(network, name, classes.names, classes.palette, weights.path)


def _classes(weights: WeightFile, count: int, config: SegFormerConfig) -> MaskClasses:
    """Names and colours of the classes of a file."""
    if names := classes_of(weights):
        colours = palette_of(weights)
        palette = default_palette(count) if colours is None else np.array(colours, np.uint8)
        return MaskClasses(names, palette)
    if config.data.classes is not None:
        named = load_mask_classes(config.data.classes)
        if len(named.names) != count:
            raise UserError(
                f"data.classes: {len(named.names)} names, but {weights.path} was trained for {count} classes."
            )
        return named
    if count == len(cityscapes_labels.CLASSES):
        return MaskClasses(cityscapes_labels.CLASSES, cityscapes_labels.PALETTE)
    raise UserError(
        f"{weights.path}: this file does not name its {count} classes. Pass --data.classes FILE with one name a line."
    )
