"""Detections as entries of a COCO result file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ms_core.atomic import JsonListFile, atomic_write
from ms_core.data.sample import Sample
from ms_core.detection.detections import Detections


@contextmanager
def coco_result_file(
    path: Path, category_ids: Sequence[int]
) -> Iterator[Callable[[Sample, Detections], None]]:
    """Write a COCO result file image by image: gives a function that takes a sample and what was found in it.

    Args:
        path: whole at the end of the block, or what it was before.
        category_ids: of every label.

    Raises:
        UserError: the system refuses to write.
    """
    with atomic_write(path) as file:
        results = JsonListFile(file)

        def keep(sample: Sample, detections: Detections) -> None:
            for entry in coco_results(sample.id, detections, category_ids):
                results.add(entry)

        yield keep
        results.close()


def coco_results(image_id: int, detections: Detections, category_ids: Sequence[int]) -> Iterator[dict]:
    """Detections of one image as entries of a COCO result file: bbox [x, y, width, height] in pixels."""
    # Python's numbers: NumPy's, one by one, take four times as long
    columns = (detections.boxes.tolist(), detections.scores.tolist(), detections.labels.tolist())
    for box, score, label in zip(*columns, strict=True):
        x0, y0, x1, y1 = (round(v, 2) for v in box)
        yield {
            "image_id": image_id,
            "category_id": int(category_ids[label]),
            "bbox": [x0, y0, round(x1 - x0, 2), round(y1 - y0, 2)],
            "score": round(score, 5),
        }
