"""Predictions for pictures a user names: drawn pictures and one JSON file."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from ms_core import device
from ms_core.atomic import JsonListFile, atomic_write
from ms_core.cli import refuse_overwrite
from ms_core.data.images import IMAGE_SUFFIXES, read_image
from ms_core.detection.detections import Detections
from ms_core.draw import draw_detections, save_image
from ms_core.errors import UserError
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector, detect_all
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.trained import load_trained


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
    refuse_overwrite([out / "predictions.json"], overwrite)
    images = find_images(inputs)
    device.start(config.device, mode=config.mode, seed=config.seed)
    model = load_trained(package, target, config)
    detector = Detector(model.network, config.postprocess, min(config.eval.batch_size, len(images)))
    counts = predict_images(detector, images, model.classes, out, workers=config.train.workers)
    found = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
    print(f"{len(images)} pictures: {found}; drawn in {out}")


def find_images(inputs: Sequence[str]) -> list[Path]:
    """Pictures behind files, folders (searched in depth) and glob patterns; each once, in a stable order.

    Raises:
        UserError: an input names nothing.
    """
    found: dict[Path, None] = {}
    for text in inputs:
        found.update(dict.fromkeys(_images_of(text)))
    return list(found)


def _images_of(text: str) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        images = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if not images:
            raise UserError(f"{path.absolute()}: no pictures in this folder.")
        return images
    matches = sorted(Path(match) for match in glob.glob(text, recursive=True))  # noqa: PTH207 (absolute patterns)
    images = [p for p in matches if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise UserError(f"{path.absolute()}: no such picture, folder or pattern.")
    return images


def output_names(images: Sequence[Path]) -> dict[Path, str]:
    """A name without suffix for each picture; two pictures with one name (a/1.jpg, b/1.png) get numbers."""
    taken: set[str] = set()
    names = {}
    for image in images:
        name, number = image.stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{image.stem}-{number}"
        taken.add(name.casefold())
        names[image] = name
    return names


def predict_images(
    detector: Detector, images: Sequence[Path], classes: Sequence[str], out: Path, *, workers: int = 2
) -> dict[str, int]:
    """Write `out`/NAME.jpg for every picture and `out`/predictions.json; returns detections a class.

    predictions.json is a list with one entry a picture: file, drawn, width, height, detections (class, label from
    0, score 0-1, box x0 y0 x1 y1 in pixels of the picture as displayed).
    """
    out.mkdir(parents=True, exist_ok=True)
    names = output_names(images)
    counts = dict.fromkeys(classes, 0)
    with atomic_write(out / "predictions.json") as file:
        entries = JsonListFile(file)
        for path, detections in track(
            detect_all(detector, images, workers=workers), "predicting", len(images)
        ):
            image = read_image(path)
            drawn = out / f"{names[path]}.jpg"
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
