"""The folder of one evaluation of a segmentation network: what `eval` writes into it.

metrics.json     mIoU and the accuracies, per class, best and worst images
confusion.json   pixels of annotated class (row) and predicted class (column)
images/          best-1.jpg ... worst-1.jpg ...: picture and errors above, annotated and predicted classes below
examples.jpg     these on one sheet, with a legend
*.png            figures, where matplotlib is installed
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ms_core.draw import save_image
from ms_core.draw_outcomes import titled
from ms_core.evaluation.semantic import SemanticMetrics
from ms_core.evaluation.semantic_extremes import JudgedMap, SemanticExtremes
from ms_core.report.evaluation_folder import picture_folder, write_json
from ms_core.report.figures import can_plot
from ms_core.segmentation.draw import draw_segmentation_outcome, outcome_sheet

_MOST_IN_LEGEND = 60
"""Classes; more are not explained above the examples."""


def write_semantic_evaluation(
    out: Path,
    metrics: SemanticMetrics,
    about: Mapping[str, Any],
    extremes: SemanticExtremes,
    palette: np.ndarray,
) -> None:
    """Everything the folder holds; pictures of a former evaluation do not stay.

    Args:
        out: an existing folder.
        metrics: of all images.
        about: further entries of metrics.json: data, checkpoint, model, seconds, inference (in words), ...
        extremes: the images to draw.
        palette: uint8 [K, 3] RGB, colours of the classes.

    Raises:
        UserError: a picture cannot be read any more, or the disk refuses.
    """
    content = metrics.to_json()
    per_class = content["per_class"]
    assert isinstance(per_class, list)
    for entry, colour in zip(per_class, palette.tolist(), strict=True):
        entry["colour"] = colour
    pictures = _write_pictures(out, extremes, metrics.classes, palette)
    write_json(out / "metrics.json", {**content, **about, **pictures})
    write_json(
        out / "confusion.json", {"classes": list(metrics.classes), "counts": metrics.confusion.tolist()}
    )
    if can_plot():
        from ms_core.report.semantic_figures import class_iou_figure, pixel_confusion_figure

        class_iou_figure(metrics, out / "class-iou.png")
        pixel_confusion_figure(metrics, out / "confusion.png")


def semantic_caption(entry: Mapping[str, Any]) -> str:
    """One of `best_images` or `worst_images` of metrics.json in words."""
    return f"{entry['file']}: mIoU {entry['mIoU']:.2f}, {100 * entry['aAcc']:.1f} % of the pixels right"


def _write_pictures(
    out: Path, extremes: SemanticExtremes, classes: tuple[str, ...], palette: np.ndarray
) -> dict[str, Any]:
    """Returns what metrics.json says of them."""
    folder = picture_folder(out)
    tiles: list[np.ndarray] = []
    entries: dict[str, list[dict[str, Any]]] = {"best_images": [], "worst_images": []}
    for word, images in (("best", extremes.best()), ("worst", extremes.worst())):
        for place, image in enumerate(images, start=1):
            picture = draw_segmentation_outcome(*image.read(), palette)
            name = f"images/{word}-{place}.jpg"
            save_image(folder / f"{word}-{place}.jpg", picture)
            entry = {"picture": name, **_entry(image)}
            entries[f"{word}_images"].append(entry)
            tiles.append(titled(picture, f"{word} {place}: {semantic_caption(entry)}"))
    if tiles:
        few = len(classes) <= _MOST_IN_LEGEND
        save_image(
            out / "examples.jpg",
            outcome_sheet(tiles, classes if few else (), palette if few else palette[:0]),
        )
    return entries


def _entry(image: JudgedMap) -> dict[str, Any]:
    return {
        "file": image.name,
        "mIoU": round(image.score.miou, 4),
        "aAcc": round(image.score.pixel_accuracy, 4),
    }
