"""What a detector found in pictures a user named: drawn pictures and one JSON file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ms_core.data.images import read_image
from ms_core.data.naming import unique_stems
from ms_core.data.prediction_files import prediction_list
from ms_core.detection.detections import Detections
from ms_core.draw import draw_detections, save_image


def drawing_paths(images: Sequence[Path], out: Path) -> list[Path]:
    """Where each picture is drawn: `out`/STEM.jpg, and never two at one place."""
    return [out / f"{stem}.jpg" for stem in unique_stems(images)]


def draw_predictions(
    found: Iterable[tuple[Path, Detections]], images: Sequence[Path], classes: Sequence[str], out: Path
) -> dict[str, int]:
    """Write `out`/NAME.jpg for every picture and `out`/predictions.json; returns detections a class.

    predictions.json is a list with one entry a picture: file, drawn, width, height, detections (class, label from
    0, score 0-1, box x0 y0 x1 y1 in pixels of the picture as displayed); see `prediction_list`.

    Args:
        found: picture by picture.
        images: all of them.
        classes: names in label order.
    """
    targets = dict(zip(images, drawing_paths(images, out), strict=True))
    counts = dict.fromkeys(classes, 0)
    with prediction_list(out) as entries:
        for path, detections in found:
            image = read_image(path)
            drawn = targets[path]
            save_image(
                drawn, draw_detections(image, detections.boxes, detections.labels, detections.scores, classes)
            )
            entry = _entry(path, drawn, (image.shape[0], image.shape[1]), detections, classes)
            entries.add(entry)
            for detection in entry["detections"]:
                counts[detection["class"]] += 1
    return counts


def _entry(
    path: Path, drawn: Path, size: tuple[int, int], detections: Detections, classes: Sequence[str]
) -> dict[str, Any]:
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
