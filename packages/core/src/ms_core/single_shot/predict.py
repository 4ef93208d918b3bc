"""Predictions for pictures a user names: drawn pictures and one JSON file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from ms_core import device
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.find_images import find_images
from ms_core.data.images import read_image
from ms_core.data.naming import unique_stems
from ms_core.data.prediction_files import check_prediction_files, prediction_list
from ms_core.detection.detections import Detections
from ms_core.draw import draw_detections, save_image
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector, detect_all
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.trained import load_trained
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
    check_workers(config.train)
    images = find_images(inputs, leave_out=out)
    targets = drawing_paths(images, out)
    check_prediction_files(out, targets, images, overwrite)
    runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    keep_compiled_graphs(config.compile_cache, runtime, print)
    model = load_trained(package, target, config)
    batch_size = config.eval.batch_size if config.inference.tile else min(config.eval.batch_size, len(images))
    detector = Detector(model.network, config.postprocess, batch_size, config.inference)
    counts = predict_images(detector, images, model.classes, out, workers=config.train.workers)
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
    print(f"{len(images)} pictures: {found}; drawn in {out}")


def drawing_paths(images: Sequence[Path], out: Path) -> list[Path]:
    """Where each picture is drawn: `out`/STEM.jpg, and never two at one place."""
    return [out / f"{stem}.jpg" for stem in unique_stems(images)]


def predict_images(
    detector: Detector, images: Sequence[Path], classes: Sequence[str], out: Path, *, workers: int = 2
) -> dict[str, int]:
    """Write `out`/NAME.jpg for every picture and `out`/predictions.json; returns detections a class.

    predictions.json is a list with one entry a picture: file, drawn, width, height, detections (class, label from
    0, score 0-1, box x0 y0 x1 y1 in pixels of the picture as displayed); see `prediction_list`.
    """
    targets = dict(zip(images, drawing_paths(images, out), strict=True))
    counts = dict.fromkeys(classes, 0)
    with prediction_list(out) as entries:
        for path, detections in track(
            detect_all(detector, images, workers=workers), "predicting", len(images)
        ):
            image = read_image(path)
            drawn = targets[path]
            save_image(
                drawn, draw_detections(image, detections.boxes, detections.labels, detections.scores, classes)
            )
            entry = _entry(path, drawn, (image.shape[0], image.shape[1]), detections, classes)
            entries.add(entry)
            for found in entry["detections"]:
                counts[found["class"]] += 1
    return counts


def _entry(
    path: Path, drawn: Path, size: tuple[int, int], detections: Detections, classes: Sequence[str]
) -> dict:
    rows = zip(detections.boxes, detections.scores, detections.labels, strict=True)
    return {
        "file": str(path),
        "drawn": drawn.name,
        "width": size[1],
        "height": size[0],
        "detections": [
            {
                "class": classes[int(label)],
                "label": int(label),
                "score": round(float(score), 5),
                "box": [round(float(value), 2) for value in box],
            }
            for box, score, label in rows
        ],
    }
