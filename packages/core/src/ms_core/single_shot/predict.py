"""Predictions for pictures a user names: drawn pictures and one JSON file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.progress import track

from ms_core import device
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.draw_predictions import draw_predictions, drawing_paths
from ms_core.data.find_images import find_images
from ms_core.data.prediction_files import check_prediction_files
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.views import PictureDetector, detect_all
from ms_core.train.config import check_workers


def predict_target(
    package: DetectorPackage,
    target: Path,
    config: SingleShotConfig,
    inputs: Sequence[str],
    out: Path,
    *,
    overwrite: bool = False,
) -> None:
    """Predict with a run folder or checkpoint and print what was found.

    Raises:
        UserError: no such checkpoint or picture, an unreadable picture, predictions are in `out` already, or
            train.workers is below 1.
    """

    def load(batch_size: int) -> tuple[PictureDetector, Sequence[str]]:
        from ms_core.single_shot.detector import Detector
        from ms_core.single_shot.trained import load_trained

        runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
        keep_compiled_graphs(config.compile_cache, runtime, print)
        model = load_trained(package, target, config)
        detector = Detector(model.network, config.postprocess, batch_size, config.inference)
        return detector, model.classes

    predict_with(load, config, inputs, out, overwrite=overwrite)


def predict_with(
    load: Callable[[int], tuple[PictureDetector, Sequence[str]]],
    config: SingleShotConfig,
    inputs: Sequence[str],
    out: Path,
    *,
    overwrite: bool = False,
) -> None:
    """Predict with whatever computes the network and print what was found.

    Args:
        load: images a call -> the detector and its classes; called when all files were found and may be written.

    Raises:
        UserError: as `predict_target`, and what `load` raises.
    """
    check_workers(config.train)
    images = find_images(inputs, leave_out=out)
    targets = drawing_paths(images, out)
    check_prediction_files(out, targets, images, overwrite)
    batch_size = config.eval.batch_size if config.inference.tile else min(config.eval.batch_size, len(images))
    detector, classes = load(batch_size)
    counts = predict_images(detector, images, classes, out, workers=config.train.workers)
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
    print(f"{len(images)} pictures: {found}; drawn in {out}")


def predict_images(
    detector: PictureDetector, images: Sequence[Path], classes: Sequence[str], out: Path, *, workers: int = 2
) -> dict[str, int]:
    """Draw what is found and write predictions.json, see `draw_predictions`; returns detections a class."""
    found = detect_all(detector, images, workers=workers)
    return draw_predictions(track(found, "predicting", len(images)), images, classes, out)
