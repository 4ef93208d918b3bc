"""Predictions for pictures a user names: drawn pictures and one JSON file."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from ms_core import device
from ms_core.atomic import JsonListFile, atomic_write
from ms_core.cli import refuse_overwrite
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.draw import refuse_photos
from ms_core.data.images import IMAGE_SUFFIXES, read_image
from ms_core.data.naming import unique_stems
from ms_core.detection.detections import Detections
from ms_core.draw import draw_detections, save_image
from ms_core.errors import UserError
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector, detect_all
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.trained import load_trained

PREDICTIONS = "predictions.json"


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
        UserError: no such checkpoint or picture, an unreadable picture, or predictions are in `out` already.
    """
    images = find_images(inputs, leave_out=out)
    targets = drawing_paths(images, out)
    refuse_overwrite([out / PREDICTIONS, *targets], overwrite)
    refuse_photos(targets, images, "one of the pictures to predict on")
    _refuse_strangers(targets)
    runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
    keep_compiled_graphs(config.compile_cache, runtime, print)
    model = load_trained(package, target, config)
    batch_size = config.eval.batch_size if config.inference.tile else min(config.eval.batch_size, len(images))
    detector = Detector(model.network, config.postprocess, batch_size, config.inference)
    counts = predict_images(detector, images, model.classes, out, workers=config.train.workers)
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
    print(f"{len(images)} pictures: {found}; drawn in {out}")


def find_images(inputs: Sequence[str], leave_out: Path | None = None) -> list[Path]:
    """Pictures behind files, folders (searched in depth) and glob patterns; each once, in a stable order.

    Args:
        leave_out: folder whose pictures do not count when another folder is searched, such as that of the results.

    Raises:
        UserError: an input names nothing.
    """
    found: dict[Path, None] = {}
    for text in inputs:
        found.update(dict.fromkeys(_images_of(text, leave_out)))
    return list(found)


def _images_of(text: str, leave_out: Path | None) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        images = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if leave_out is not None and leave_out.absolute() != path.absolute():
            images = [p for p in images if not p.absolute().is_relative_to(leave_out.absolute())]
        if not images:
            raise UserError(f"{path.absolute()}: no pictures in this folder.")
        return images
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))  # noqa: PTH207 (absolute patterns)
    images = [p for p in matches if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise UserError(f"{path.absolute()}: no such picture, folder or pattern.")
    return images


def drawing_paths(images: Sequence[Path], out: Path) -> list[Path]:
    """Where each picture is drawn: `out`/STEM.jpg, and never two at one place."""
    return [out / f"{stem}.jpg" for stem in unique_stems(images)]


def _refuse_strangers(targets: Sequence[Path]) -> None:
    """Also under --overwrite only drawings are replaced, in a folder that predict has written before.

    Raises:
        UserError: a target exists and no predictions.json beside it says that it is a drawing.
    """
    existing = [target for target in targets if target.exists()]
    if existing and not (existing[0].parent / PREDICTIONS).is_file():
        raise UserError(f"{existing[0]}: is a picture that predict did not draw. Give another --out.")


def predict_images(
    detector: Detector, images: Sequence[Path], classes: Sequence[str], out: Path, *, workers: int = 2
) -> dict[str, int]:
    """Write `out`/NAME.jpg for every picture and `out`/predictions.json; returns detections a class.

    predictions.json is a list with one entry a picture: file, drawn, width, height, detections (class, label from
    0, score 0-1, box x0 y0 x1 y1 in pixels of the picture as displayed).
    """
    out.mkdir(parents=True, exist_ok=True)
    targets = dict(zip(images, drawing_paths(images, out), strict=True))
    counts = dict.fromkeys(classes, 0)
    with atomic_write(out / PREDICTIONS) as file:
        entries = JsonListFile(file)
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
        entries.close()
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
