"""Write a trained network for use outside Python, and prove that what was written agrees with the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype
from ms_core import device
from ms_core.cli import refuse_overwrite
from ms_core.data.images import read_image
from ms_core.errors import UserError
from ms_core.export.manifest import NAME, TwoStageManifest, file_sha256, write_manifest
from ms_core.export.mindir import export_mindir
from ms_core.export.verify import ExportedModel, verify_mindir

from ms_defrcn import pictures
from ms_defrcn.config import DeFRCNConfig, PostprocessConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.pictures import MEAN, STD
from ms_defrcn.resize import resize_image
from ms_defrcn.trained import TrainedModel, load_trained

Size = tuple[int, int]
"""(height, width), pixels."""
LEAST_SIDE = 64


class ExportedNetwork(nn.Cell):
    """The network with outputs of one type, as programs outside Python read them."""

    def __init__(self, network: DeFRCN) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        boxes, scores, valid = self.network(images, sizes)
        return boxes, scores, ops.cast(valid, mstype.float32)


def export_target(
    target: Path,
    config: DeFRCNConfig,
    out: Path,
    *,
    size: Size,
    batch_size: int = 1,
    picture: Path | None = None,
    overwrite: bool = False,
) -> ExportedModel:
    """Export a run folder or weights file into the folder `out` and print what was proven.

    Args:
        size: (height, width) of the model's input, which is fixed by the export.
        picture: what file and network are compared on; None takes a synthetic one.

    Raises:
        UserError: no such checkpoint, a size that the network cannot take, or a model is in `out` already.
    """
    if batch_size < 1:
        raise UserError(f"--batch-size {batch_size}: at least 1 is needed.")
    if min(size) < LEAST_SIDE:
        raise UserError(f"--size {size[0]} {size[1]}: at least {LEAST_SIDE} pixels a side are needed.")
    refuse_overwrite([out / NAME], overwrite)
    device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    model = load_trained(target, config)
    if config.pcb.enabled:
        print("scores are exported as the network gives them: calibration (PCB) is no part of the graph")
    refuse_overwrite([out / f"{model.name}.mindir"], overwrite)
    exported = export_detector(
        model, out, config.postprocess, size=size, batch_size=batch_size, picture=picture
    )
    print(exported)
    return exported


def export_detector(
    model: TrainedModel,
    out: Path,
    postprocess: PostprocessConfig,
    *,
    size: Size,
    batch_size: int,
    picture: Path | None,
) -> ExportedModel:
    """Write `out`/NAME.mindir and `out`/manifest.json, reload the file in a new process and compare.

    The graph takes normalised pictures filled up to one size and their true sizes; it gives decoded boxes of every
    class and their scores, before suppression within the classes.

    Raises:
        RuntimeError: the reloaded model differs by more than 1e-4.
    """
    network = ExportedNetwork(model.network)
    images, sizes = _comparison_input(picture, size, batch_size)
    path = export_mindir(network, images.shape, out / f"{model.name}.mindir", sizes.shape)
    difference = verify_mindir(path, network, images, sizes, new_process=True)
    manifest = TwoStageManifest(
        model=model.name,
        model_file=path.name,
        sha256=file_sha256(path),
        input_shape=(batch_size, 3, *size),
        mean=MEAN,
        std=STD,
        classes=model.classes,
        category_ids=model.category_ids,
        min_score=postprocess.min_score,
        nms_threshold=postprocess.nms_threshold,
        max_detections=postprocess.max_detections,
    )
    write_manifest(manifest, out)
    return ExportedModel(path, difference)


def fitted_into(size: Size, bounds: Size) -> Size:
    """The largest (height, width) of the proportions of `size` inside `bounds`, at least 1 pixel a side."""
    factor = min(bound / side for side, bound in zip(size, bounds, strict=True))
    height, width = (
        max(1, min(round(side * factor), bound)) for side, bound in zip(size, bounds, strict=True)
    )
    return height, width


def _comparison_input(picture: Path | None, size: Size, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture, real where one is given, as the model takes it: float32 [B, 3, H, W] and [B, 2]."""
    image = _noise() if picture is None else read_image(picture)
    height, width = fitted_into((image.shape[0], image.shape[1]), size)
    images = np.zeros((1, 3, *size), np.float32)
    pictures.normalise(resize_image(image, (height, width)), out=images[0, :, :height, :width])
    return images.repeat(batch_size, axis=0), np.full((batch_size, 2), (height, width), np.float32)


def _noise() -> np.ndarray:
    """Smooth noise with the range of a picture, uint8 [12, 20, 3]."""
    return np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
