"""Detections as entries of a COCO result file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ms_core.atomic import JsonListFile, atomic_write
from ms_core.data.sample import Sample
from ms_core.detection.boxes import xyxy_to_xywh
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
            if len(detections):
                results.add_text(coco_results(sample.id, detections, category_ids))

        yield keep
        results.close()


def coco_results(image_id: int, detections: Detections, category_ids: Sequence[int]) -> str:
    """Detections of one image as entries of a COCO result file: bbox [x, y, width, height] in pixels.

    Returns:
        JSON objects, one a line, with commas between them. Numbers are formatted here, because a JSON encoder, which
        looks for the shortest form of each, takes three times as long.
    """
    corners = detections.boxes.astype(np.float64).round(2)
    columns = zip(
        np.array(category_ids)[detections.labels].tolist(),
        *xyxy_to_xywh(corners).T.tolist(),
        detections.scores.tolist(),
        strict=True,
    )
    entry = f'{{"image_id": {image_id}, "category_id": %d, "bbox": [%.2f, %.2f, %.2f, %.2f], "score": %.5f}}'
    return ",\n".join([entry % numbers for numbers in columns])
