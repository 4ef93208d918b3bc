"""Write a trained network for use outside Python, and prove that what was written agrees with the network."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core import device
from ms_core.export.files import ExportedFile, Graph, export_files
from ms_core.export.inputs import comparison_input, picture_input
from ms_core.export.manifest import ImageInput, ModelFile, SegmentationManifest, TensorSpec
from ms_core.export.normalised import NormalisedInside
from ms_core.export.options import ExportOptions

from ms_segformer.bilinear import resize_bilinear
from ms_segformer.config import SegFormerConfig, Size
from ms_segformer.pipeline import network_input
from ms_segformer.segformer import check_image_size
from ms_segformer.trained import TrainedModel, load_trained

LOGITS, CLASSES = "logits", "classes"


class ClassMap(nn.Cell):
    """construct(images [B, 3, H, W]) -> int32 [B, H, W]: the most likely class of every pixel.

    Args:
        network: gives logits at a quarter of the size. Its parameters keep their names.
        size: (H, W).
    """

    def __init__(self, network: nn.Cell, size: Size) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.size = size
        self.argmax = ops.Argmax(axis=1, output_type=mstype.int32)

    def construct(self, images: Tensor) -> Tensor:
        return self.argmax(resize_bilinear(self.network(images), self.size))


def export_target(
    target: Path, config: SegFormerConfig, options: ExportOptions, *, size: Size | None = None
) -> list[ExportedFile]:
    """Export a run folder or weights file and print what was proven.

    Args:
        target: run folder or weights file.
        config: of the run.
        options: form, formats, folder.
        size: (height, width) of the model's input, which is fixed by the export; None: `input.crop`.

    Raises:
        UserError: what cannot be exported here, no such checkpoint, a size that the network cannot take, or a model
            is in the folder already.
    """
    size = size or config.input.crop
    check_image_size(*size)
    options.check(config.device)
    device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    return export_segmenter(load_trained(target, config), options, size)


def export_segmenter(model: TrainedModel, options: ExportOptions, size: Size) -> list[ExportedFile]:
    """Write a network that takes pictures of one size and gives logits at a quarter of it, or class maps.

    Raises:
        RuntimeError: a reloaded file differs from the network by more than 1e-4.
        UserError: a model is in the folder already, or the network cannot be exported like this.
    """
    form = options.outputs or LOGITS
    pictures = picture_input(size, options)
    network = model.network if form == LOGITS else ClassMap(model.network, size)
    if options.normalise_inside:
        network = NormalisedInside(network, pictures.mean, pictures.std)
    sample = comparison_input(pictures, options.picture, network_input)
    graph = Graph(network, (pictures,), (form,), (sample,))
    return export_files(graph, model.name, options, partial(_manifest, model, pictures, form))


def _manifest(
    model: TrainedModel,
    pictures: ImageInput,
    form: str,
    files: tuple[ModelFile, ...],
    outputs: tuple[TensorSpec, ...],
) -> SegmentationManifest:
    return SegmentationManifest(
        package="ms-segformer",
        model=model.name,
        files=files,
        input=pictures,
        output_form=form,
        outputs=outputs,
        classes=model.classes,
        palette=tuple(map(tuple, model.palette.tolist())),
    )
