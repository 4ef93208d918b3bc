"""The one record type that every annotation format is read into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ms_core.data.images import read_bytes

Format = Literal["coco", "voc", "txt"]

DECIMALS = 3
"""Decimals of a coordinate in a written file: float32 returns every such number below 16384 unchanged."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One annotated image. A box has x0 < x1 and y0 < y1 and lies inside the image.

    Pixel edges are counted, not pixel centres: a box over the first pixel alone is (0, 0, 1, 1), and the
    whole image is (0, 0, width, height), as in COCO.
    """

    id: int
    """The image's id; unique in its dataset (COCO: the file's own)."""
    path: Path
    """The image file; `read_image(path, (width, height))` gives the picture the boxes belong to."""
    width: int
    """Pixels, as annotated; where the annotation has no size, of the upright picture."""
    height: int
    """Pixels, as annotated."""
    boxes: np.ndarray
    """float32 [n, 4] x0 y0 x1 y1, pixels."""
    labels: np.ndarray
    """int32 [n], index into `DetectionDataset.classes`, from 0; there is no background class here."""
    crowd: np.ndarray
    """bool [n]: COCO's iscrowd, one box around many objects."""
    difficult: np.ndarray
    """bool [n]: VOC's difficult; VOC evaluation neither rewards nor punishes finding such a box."""
    areas: np.ndarray
    """float32 [n], the annotation's area in pixels^2 (COCO: of the mask); COCO's size ranges use it."""

    def select(self, keep: np.ndarray) -> Sample:
        """The sample with some of its boxes, and all that belongs to them.

        Args:
            keep: bool [n], or int [m] with the boxes in the order wanted.
        """
        return replace(
            self,
            boxes=self.boxes[keep],
            labels=self.labels[keep],
            crowd=self.crowd[keep],
            difficult=self.difficult[keep],
            areas=self.areas[keep],
        )


EncodedReader = Callable[[Sample], np.ndarray]
"""Gives the encoded picture of a sample, uint8 [n], as its file holds it. Called from several threads."""


def read_file(sample: Sample) -> np.ndarray:
    """The `EncodedReader` of pictures that are files."""
    return read_bytes(sample.path)


@dataclass(frozen=True, eq=False)
class DetectionDataset:
    """One annotation file or folder, read: the classes and a `Sample` for each image, also for empty ones."""

    classes: tuple[str, ...]
    """Names in label order, without background."""
    category_ids: tuple[int, ...]
    """The file's own category id of each class (VOC and TXT: 1..K)."""
    samples: tuple[Sample, ...]
    source: Path
    """What was opened, as the user wrote it."""
    format: Format
    dropped: int = 0
    """Boxes left out because they were invalid (only with invalid_boxes="drop")."""
    clipped: int = 0
    """Boxes that reached more than 2 pixels outside and were clipped (only with invalid_boxes="drop")."""
    notes: tuple[str, ...] = ()
    """One-line remarks for the user: what was dropped, clipped or assumed."""
    encoded: EncodedReader = read_file
    """Where the pictures come from: their files, or a cache."""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def box_count(self) -> int:
        """Boxes in all samples."""
        return sum(len(sample.labels) for sample in self.samples)

    def to_coco(self) -> dict[str, Any]:
        """The ground truth as a COCO dict for COCOeval: original ids, crowd flags and areas.

        Annotation ids are numbered anew from 1: COCOeval takes id 0 for "no match". VOC's difficult travels
        in an own key `difficult`; iscrowd stays COCO's, because pycocotools overwrites any `ignore` key with
        iscrowd and would match one crowd box to many detections.
        """
        annotations: list[dict[str, Any]] = []
        for sample in self.samples:
            annotations.extend(_annotations(sample, self.category_ids, first_id=len(annotations) + 1))
        images = [
            {"id": s.id, "file_name": s.path.name, "width": s.width, "height": s.height} for s in self.samples
        ]
        categories = [
            {"id": id_, "name": name} for id_, name in zip(self.category_ids, self.classes, strict=True)
        ]
        return {"info": {}, "images": images, "annotations": annotations, "categories": categories}


def _annotations(sample: Sample, category_ids: tuple[int, ...], first_id: int) -> list[dict[str, Any]]:
    """COCO annotations of one image, numbered from `first_id`."""
    corners = np.round(sample.boxes.astype(np.float64), DECIMALS)  # [n, 4]
    sizes = np.round(corners[:, 2:] - corners[:, :2], DECIMALS)  # [n, 2]
    return [
        {
            "id": first_id + i,
            "image_id": sample.id,
            "category_id": category_ids[label],
            "bbox": [*corner[:2], *size],
            "area": round(float(area), DECIMALS),
            "iscrowd": int(crowd),
            **({"difficult": 1} if difficult else {}),
        }
        for i, (label, corner, size, area, crowd, difficult) in enumerate(
            zip(
                sample.labels.tolist(),
                corners.tolist(),
                sizes.tolist(),
                sample.areas,
                sample.crowd,
                sample.difficult,
                strict=True,
            )
        )
    ]
