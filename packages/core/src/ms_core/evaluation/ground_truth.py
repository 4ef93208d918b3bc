"""COCO ground truth reduced to what box evaluation reads, checked once."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from ms_core.data.coco import annotation_area, category_names, is_crowd, is_id, parse_coco, require_lists
from ms_core.errors import UserError


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Images, categories and boxes of an annotation file; no polygons, no pictures."""

    source: str
    """The file, or what else to call it in a message."""
    image_ids: frozenset[int]
    categories: tuple[tuple[int, str], ...]
    """(id, name), by id, as COCO orders its results."""
    annotations: tuple[dict[str, Any], ...]
    """id (from 1), image_id, category_id, bbox, area, iscrowd, difficult."""

    @property
    def category_ids(self) -> tuple[int, ...]:
        """Ids of `categories`."""
        return tuple(id_ for id_, _ in self.categories)

    def numbered(self, image_ids: Sequence[int]) -> "GroundTruth":
        """These images with the image and category ids 0, 1, 2, ..., in the order given and of `categories`.

        Such ids are exact in a float64 table; an id above 2^53 would meet its neighbours there.
        """
        image_of = {id_: number for number, id_ in enumerate(image_ids)}
        category_of = {id_: number for number, id_ in enumerate(self.category_ids)}
        annotations = tuple(
            a | {"image_id": image_of[a["image_id"]], "category_id": category_of[a["category_id"]]}
            for a in self.annotations
            if a["image_id"] in image_of
        )
        categories = tuple(enumerate(name for _, name in self.categories))
        return GroundTruth(self.source, frozenset(image_of.values()), categories, annotations)

    def objects(self) -> Counter[int]:
        """Objects of each category id, crowds not counted."""
        return Counter(a["category_id"] for a in self.annotations if not a["iscrowd"])


def load_ground_truth(ground_truth: Mapping[str, Any] | Path | str) -> GroundTruth:
    """Check COCO ground truth as `data.coco` does, and keep what box evaluation needs.

    Args:
        ground_truth: COCO dict, or path of an annotation file. Where `area` is no positive number the box's
            counts, and no `iscrowd` is 0; a truthy `difficult` or `ignore` matters to VOC AP only.

    Raises:
        UserError: not JSON, a missing list or key, an id that is missing or occurs twice, an annotation of an
            unknown image or category.
    """
    if isinstance(ground_truth, str | Path):
        source, content = str(ground_truth), parse_coco(Path(ground_truth))
    else:
        source, content = "ground truth", require_lists(ground_truth, "ground truth")
    image_ids = _image_ids(content["images"], source)
    names = category_names(content, source)
    kept = tuple(
        _slim(annotation, index, source, image_ids, names)
        for index, annotation in enumerate(content["annotations"])
    )
    return GroundTruth(source, image_ids, tuple(sorted(names.items())), kept)


def _image_ids(images: Sequence[Any], source: str) -> frozenset[int]:
    ids = Counter(_id(image, "id", source, f"images entry {i}") for i, image in enumerate(images))
    id_, times = ids.most_common(1)[0]
    if times > 1:
        raise _faulty(source, f"image {id_}", f"this image id occurs {times} times in 'images'")
    return frozenset(ids)


def _faulty(source: str, where: str, fault: str) -> UserError:
    return UserError(f"{source}: {where}: {fault}. Fix the annotation file.")


def _field(entry: Any, key: str, source: str, where: str) -> Any:
    if not isinstance(entry, Mapping) or key not in entry:
        raise _faulty(source, where, f'"{key}" is missing')
    return entry[key]


def _id(entry: Any, key: str, source: str, where: str) -> int:
    value = _field(entry, key, source, where)
    if not is_id(value):
        raise _faulty(source, where, f"{key} is {value!r}, not a whole number")
    return int(value)


def is_box(value: Any) -> bool:
    """Four finite numbers?"""
    return isinstance(value, Sequence) and len(value) == 4 and all(is_finite(number) for number in value)


def is_finite(value: Any) -> bool:
    """A number, and neither NaN nor infinite?"""
    return isinstance(value, Real) and math.isfinite(value)


def _slim(
    annotation: Any, index: int, source: str, image_ids: Collection[int], category_ids: Collection[int]
) -> dict[str, Any]:
    where = f"annotations entry {index}"
    image, category = (_id(annotation, key, source, where) for key in ("image_id", "category_id"))
    box = _field(annotation, "bbox", source, where)
    if image not in image_ids:
        raise _faulty(source, where, f"image id {image} is not in the list of images")
    if category not in category_ids:
        raise _faulty(source, where, f"category id {category} is not in the list of categories")
    if not is_box(box):
        raise _faulty(source, where, f"bbox is {box}, not [x, y, width, height]")
    area = annotation_area(annotation)
    return {
        "id": index + 1,  # numbered anew: pycocotools takes a match with id 0 for none
        "image_id": image,
        "category_id": category,
        "bbox": [float(value) for value in box],
        "area": area if 0 < area < math.inf else float(box[2] * box[3]),
        "iscrowd": int(is_crowd(annotation)),
        "difficult": bool(annotation.get("difficult", annotation.get("ignore", 0))),
    }
