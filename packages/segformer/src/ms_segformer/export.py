"""Write a trained network for use outside Python, and prove that what was written agrees with the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ms_core import device
from ms_core.cli import refuse_overwrite
from ms_core.data.images import read_image
from ms_core.data.network_input import PIXEL_MEAN, PIXEL_STD, resize_image
from ms_core.errors import UserError
from ms_core.export.manifest import NAME, SegmentationManifest, file_sha256, write_manifest
from ms_core.export.mindir import export_mindir
from ms_core.export.verify import ExportedModel, verify_mindir

from ms_segformer.config import SegFormerConfig, Size
from ms_segformer.pipeline import network_input
from ms_segformer.segformer import check_image_size
from ms_segformer.trained import TrainedModel, load_trained


def export_target(
    target: Path,
    config: SegFormerConfig,
    out: Path,
    *,
    size: Size | None = None,
    batch_size: int = 1,
    picture: Path | None = None,
    overwrite: bool = False,
) -> ExportedModel:
    """Export a run folder or weights file into the folder `out` and print what was proven.

    Args:
        size: (height, width) of the model's input, which is fixed by the export; None: `input.crop`.
        picture: what file and network are compared on; None takes a synthetic one.

    Raises:
        UserError: no such checkpoint, a size that the network cannot take, or a model is in `out` already.
    """
    if batch_size < 1:
        raise UserError(f"--batch-size {batch_size}: at least 1 is needed.")
    size = size or config.input.crop
    check_image_size(*size)
    refuse_overwrite([out / NAME], overwrite)
    device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    model = load_trained(target, config)
    refuse_overwrite([out / f"{model.name}.mindir"], overwrite)
    exported = export_segmenter(model, out, size=size, batch_size=batch_size, picture=picture)
    print(exported)
    return exported


def export_segmenter(
    model: TrainedModel, out: Path, *, size: Size, batch_size: int, picture: Path | None
) -> ExportedModel:
    """Write `out`/NAME.mindir and `out`/manifest.json, reload the file in a new process and compare.

    The graph takes normalised images of one size and gives logits at a quarter of it.

    Raises:
        RuntimeError: the reloaded model differs by more than 1e-4.
    """
    shape = (batch_size, 3, *size)
    images = np.repeat(_comparison_input(picture, size)[None], batch_size, axis=0)
    path = export_mindir(model.network, shape, out / f"{model.name}.mindir")
    difference = verify_mindir(path, model.network, images, new_process=True)
    manifest = SegmentationManifest(
        model=model.name,
        model_file=path.name,
        sha256=file_sha256(path),
        input_shape=shape,
        mean=PIXEL_MEAN,
        std=PIXEL_STD,
        classes=model.classes,
        palette=tuple(map(tuple, model.palette.tolist())),
    )
    write_manifest(manifest, out)
    return ExportedModel(path, difference)


def _comparison_input(picture: Path | None, size: Size) -> np.ndarray:
    """[3, H, W] float32: a real picture where one is given, else smooth noise with the range of one."""
    if picture is not None:
        return network_input(resize_image(read_image(picture), size))
    noise = np.random.default_rng(0).integers(0, 256, (12, 24, 3), dtype=np.uint8)
    return network_input(resize_image(noise, size))
