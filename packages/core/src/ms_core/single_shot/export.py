"""Write a trained detector for use outside Python, and prove that what was written agrees with the network."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mindspore import nn

from ms_core import device
from ms_core.detection.augment import normalise
from ms_core.errors import UserError
from ms_core.export.anchors import anchors_digest
from ms_core.export.files import ExportedFile, Graph, export_files
from ms_core.export.inputs import comparison_input, picture_input
from ms_core.export.manifest import DetectionManifest, ImageInput, ModelFile, Postprocess, TensorSpec
from ms_core.export.normalised import NormalisedInside
from ms_core.export.options import ExportOptions
from ms_core.export.verify import check_agreement
from ms_core.export.verify_detections import detections_agree
from ms_core.networks.inference import InferenceModel
from ms_core.single_shot.config import PostprocessConfig, SingleShotConfig
from ms_core.single_shot.output_forms import DECODED, NMS, OUTPUTS, RAW, WORDS
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.trained import TrainedModel, load_trained


def export_target(
    package: DetectorPackage, target: Path, config: SingleShotConfig, options: ExportOptions
) -> list[ExportedFile]:
    """Export a run folder or checkpoint and print what was proven.

    Raises:
        UserError: what cannot be exported here, no such checkpoint, or a model is in the folder already.
    """
    options.check(config.device)
    if options.outputs == NMS and options.batch_size is None:
        raise UserError(
            "--batch-size dynamic: the selection of boxes is made for a number of pictures. Give one."
        )
    device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    model = load_trained(package, target, config)
    return export_detector(model, package.tool, config.postprocess, options)


def export_detector(
    model: TrainedModel, package: str, postprocess: PostprocessConfig, options: ExportOptions
) -> list[ExportedFile]:
    """Write a detector in one of its output forms, see `ms_core.single_shot.output_forms`.

    Args:
        model: what is exported.
        package: the command, for the manifest.
        postprocess: what is left to do after the graph, or done in it (form nms).
        options: form, formats, folder.

    Raises:
        RuntimeError: a reloaded file differs from the network by more than 1e-4.
        UserError: a model is in the folder already, or the network cannot be exported like this.
    """
    form = options.outputs or next(iter(OUTPUTS))
    pictures = picture_input(model.network.input_size, options)
    network = _network(model.network, form, postprocess)
    if options.normalise_inside:
        network = NormalisedInside(network, pictures.mean, pictures.std)
    sample = comparison_input(pictures, options.picture, normalise)
    agreement = detections_agree() if form == NMS else check_agreement
    graph = Graph(network, (pictures,), OUTPUTS[form], (sample,), agreement)
    describe = partial(_manifest, model, package, postprocess, pictures, form)
    return export_files(graph, model.name, options, describe)


def _network(network: nn.Cell, form: str, postprocess: PostprocessConfig) -> nn.Cell:
    if form == RAW:
        return network
    if form == DECODED:
        return InferenceModel(network)
    from ms_core.single_shot.nms_form import NmsForm

    return NmsForm(network, postprocess)


def _manifest(
    model: TrainedModel,
    package: str,
    postprocess: PostprocessConfig,
    pictures: ImageInput,
    form: str,
    files: tuple[ModelFile, ...],
    outputs: tuple[TensorSpec, ...],
) -> DetectionManifest:
    boxes, scores = WORDS[form]
    network = model.network
    return DetectionManifest(
        package=package,
        model=model.name,
        files=files,
        input=pictures,
        output_form=form,
        outputs=outputs,
        classes=model.classes,
        category_ids=model.category_ids,
        boxes=boxes,
        scores=scores,
        postprocess=Postprocess(
            min_score=postprocess.min_score,
            nms_threshold=postprocess.nms_threshold,
            max_per_class=postprocess.max_per_class,
            max_detections=postprocess.max_detections,
            plus_one=postprocess.nms == "zoo",
            class_agnostic=postprocess.class_agnostic,
        ),
        anchors_sha256=anchors_digest(network.anchors.xywh, network.prior_scaling) if form == RAW else None,
    )
