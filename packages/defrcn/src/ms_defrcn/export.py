"""Write a trained network for use outside Python, and prove that what was written agrees with the network."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from mindspore import nn
from ms_core import device
from ms_core.errors import UserError
from ms_core.export.files import ExportedFile, Graph, export_files
from ms_core.export.inputs import comparison_picture, picture_input
from ms_core.export.manifest import ImageInput, ModelFile, Postprocess, TensorSpec, TwoStageManifest
from ms_core.export.options import ExportOptions
from ms_core.export.verify_detections import PIXELS, detections_agree, regions_agree
from ms_core.infer.pictures import PictureInput

from ms_defrcn.config import DeFRCNConfig, PostprocessConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.exported_forms import DecodedForm, NmsForm, NormalisedInside, plain_proposals
from ms_defrcn.output_forms import DECODED, LEAST_SIDE, NMS, OUTPUTS, WORDS, default_size
from ms_defrcn.pictures import MEAN, STD
from ms_defrcn.resize import box_scale, resize_image, size_of
from ms_defrcn.trained import TrainedModel, load_trained

Size = tuple[int, int]
"""(height, width), pixels."""

_SIZES = TensorSpec(name="sizes", shape=(1, 2), dtype="float32")
"""Height and width of the picture inside the input, pixels."""
_SCALE = TensorSpec(name="scale", shape=(1, 2), dtype="float32")
"""Pixels of the input to a pixel of the original picture, across and down."""


def export_target(
    target: Path, config: DeFRCNConfig, options: ExportOptions, *, size: Size | None = None
) -> list[ExportedFile]:
    """Export a run folder or weights file and print what was proven.

    Args:
        target: run folder or weights file.
        config: of the run.
        options: form, formats, folder; the graph takes one picture at once.
        size: (height, width) of the model's input, which is fixed by the export; None: see `default_size`.

    Raises:
        UserError: what cannot be exported here, no such checkpoint, a size that the network cannot take, or a model
            is in the folder already.
    """
    size = size or default_size(config.input)
    if min(size) < LEAST_SIDE:
        raise UserError(f"--size {size[0]} {size[1]}: at least {LEAST_SIDE} pixels a side are needed.")
    options.check(config.device)
    device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    model = load_trained(target, config)
    if config.pcb.enabled:
        print("scores are exported as the network gives them: calibration (PCB) is no part of the graph")
    return export_detector(model, options, config.postprocess, size)


def export_detector(
    model: TrainedModel, options: ExportOptions, postprocess: PostprocessConfig, size: Size
) -> list[ExportedFile]:
    """Write a detector in one of its output forms, see `ms_defrcn.output_forms`.

    Pictures keep their proportions, lie top left in an input of one size and are followed by zeros.

    Raises:
        RuntimeError: a reloaded file differs from the network, see `ms_core.export.verify_detections`.
        UserError: a model is in the folder already, or the network cannot be exported like this.
    """
    form = options.outputs or NMS
    pictures = picture_input(size, options, mean=MEAN, std=STD, channels="BGR", resize="fit")
    more = (_SIZES,) if form == DECODED else (_SIZES, _SCALE)
    sample = _comparison_input(pictures, options.picture)[: 1 + len(more)]
    network = _form(model.network, form, postprocess)
    if options.normalise_inside:
        network = NormalisedInside(network, size, MEAN, STD)
    agreement = regions_agree(PIXELS) if form == DECODED else detections_agree(PIXELS)
    describe = partial(_manifest, model, postprocess, pictures, more, form)
    plain = partial(plain_proposals, model.network)
    graph = Graph(network, (pictures, *more), OUTPUTS[form], sample, agreement, plain)
    return export_files(graph, model.name, options, describe)


def _form(network: DeFRCN, form: str, postprocess: PostprocessConfig) -> nn.Cell:
    return DecodedForm(network) if form == DECODED else NmsForm(network, postprocess)


def _comparison_input(pictures: ImageInput, picture: Path | None) -> tuple[np.ndarray, ...]:
    """A picture, real where one is given, as the model takes it: (row, sizes, scale) with a batch axis."""
    image = comparison_picture(picture)
    place = PictureInput(pictures).place(size_of(image))
    row = PictureInput(pictures, resize_image).of(image)
    scale = box_scale(size_of(image), place)
    return row[None], np.array([place], np.float32), np.array([scale], np.float32)


def _manifest(
    model: TrainedModel,
    postprocess: PostprocessConfig,
    pictures: ImageInput,
    more: tuple[TensorSpec, ...],
    form: str,
    files: tuple[ModelFile, ...],
    outputs: tuple[TensorSpec, ...],
) -> TwoStageManifest:
    boxes, scores = WORDS[form]
    return TwoStageManifest(
        package="ms-defrcn",
        model=model.name,
        files=files,
        input=pictures,
        more_inputs=more,
        output_form=form,
        outputs=outputs,
        classes=model.classes,
        category_ids=model.category_ids,
        boxes=boxes,
        scores=scores,
        postprocess=Postprocess(
            min_score=postprocess.min_score,
            nms_threshold=postprocess.nms_threshold,
            max_per_class=postprocess.max_detections,
            max_detections=postprocess.max_detections,
        ),
    )
