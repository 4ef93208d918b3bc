"""Write a trained detector for use outside Python, and prove that what was written agrees with the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ms_core import device
from ms_core.cli import refuse_overwrite
from ms_core.data.images import read_image
from ms_core.data.network_input import PIXEL_MEAN, PIXEL_STD
from ms_core.errors import UserError
from ms_core.export.manifest import NAME, Manifest, file_sha256, write_manifest
from ms_core.export.mindir import export_mindir
from ms_core.export.verify import ExportedModel, verify_mindir
from ms_core.networks.inference import InferenceModel
from ms_core.single_shot.config import PostprocessConfig, SingleShotConfig
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.pipeline import network_input
from ms_core.single_shot.trained import TrainedModel, load_trained


def export_detector(
    model: TrainedModel, postprocess: PostprocessConfig, out: Path, *, batch_size: int, picture: Path | None
) -> ExportedModel:
    """Write `out`/NAME.mindir and `out`/manifest.json, reload the file in a new process and compare.

    The graph takes normalised images and gives decoded boxes (y0 x0 y1 x1, 0-1) and sigmoid scores, as the old
    exported models did; selection of boxes is left to the program that runs it.

    Args:
        picture: what the comparison is made on; None takes a synthetic one.

    Raises:
        RuntimeError: the reloaded model differs by more than 1e-4.
    """
    inference = InferenceModel(model.network)
    height, width = model.network.input_size
    shape = (batch_size, 3, height, width)
    images = np.repeat(_comparison_input(picture, (height, width))[None], batch_size, axis=0)
    path = export_mindir(inference, shape, out / f"{model.name}.mindir")
    difference = verify_mindir(path, inference, images, new_process=True)
    write_manifest(
        Manifest(
            model=model.name,
            model_file=path.name,
            sha256=file_sha256(path),
            input_shape=shape,
            mean=PIXEL_MEAN,
            std=PIXEL_STD,
            classes=model.classes,
            category_ids=model.category_ids,
            min_score=postprocess.min_score,
            nms_threshold=postprocess.nms_threshold,
            max_per_class=postprocess.max_per_class,
            max_detections=postprocess.max_detections,
            nms=_nms_rule(postprocess),
        ),
        out,
    )
    return ExportedModel(path, difference)


def _nms_rule(postprocess: PostprocessConfig) -> str:
    """What the manifest tells the program that selects boxes."""
    agnostic = "over all classes (a box counts for its best class)"
    scope = agnostic if postprocess.class_agnostic else "per class"
    sides = "x1 - x0 + 1" if postprocess.nms == "zoo" else "x1 - x0"
    return f"{scope}, greedy, pixel boxes, sides counted as {sides}"


def _comparison_input(picture: Path | None, size: tuple[int, int]) -> np.ndarray:
    """[3, H, W] float32: a real picture where one is given, else smooth noise with the range of one."""
    if picture is not None:
        return network_input(read_image(picture), size)
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return network_input(noise, size)


def export_target(
    package: DetectorPackage,
    target: Path,
    config: SingleShotConfig,
    out: Path,
    *,
    batch_size: int = 1,
    picture: Path | None = None,
    overwrite: bool = False,
) -> ExportedModel:
    """Export a run folder or checkpoint into the folder `out` and print what was proven.

    Raises:
        UserError: no such checkpoint, or a model is in `out` already.
    """
    if batch_size < 1:
        raise UserError(f"--batch-size {batch_size}: at least 1 is needed.")
    refuse_overwrite([out / NAME], overwrite)
    device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    model = load_trained(package, target, config)
    refuse_overwrite([out / f"{model.name}.mindir"], overwrite)
    exported = export_detector(model, config.postprocess, out, batch_size=batch_size, picture=picture)
    print(exported)
    return exported
