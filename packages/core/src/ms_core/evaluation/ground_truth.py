"""COCO ground truth reduced to what box evaluation reads, checked once."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

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

    def of_images(self, image_ids: Iterable[int]) -> "list[dict[str, Any]]":
        """Annotations of these images."""
        wanted = set(image_ids)
        return [annotation for annotation in self.annotations if annotation["image_id"] in wanted]

    def objects(self, image_ids: Iterable[int]) -> Counter[int]:
        """Objects of each category id in these images, crowds not counted."""
        return Counter(a["category_id"] for a in self.of_images(image_ids) if not a["iscrowd"])


def load_ground_truth(ground_truth: Mapping[str, Any] | Path | str) -> GroundTruth:
    """Check COCO ground truth and keep what box evaluation needs.

    Args:
        ground_truth: COCO dict, or path of an annotation file. `area` defaults to width x height, `iscrowd`
            to 0; a truthy `difficult` or `ignore` matters to VOC AP only.

    Raises:
        UserError: not JSON, a missing list or key, an annotation of an unknown image or category.
    """
    source, content = "ground truth", ground_truth
    if isinstance(ground_truth, str | Path):
        source, content = str(ground_truth), read_json(Path(ground_truth))
    images, annotations, categories = (
        _entries(content, key, source) for key in ("images", "annotations", "categories")
    )
    image_ids = frozenset(_id(image, source, f"images entry {i}") for i, image in enumerate(images))
    names = {
        _id(category, source, f"categories entry {i}"): str(category.get("name", category["id"]))
        for i, category in enumerate(categories)
    }
    kept = tuple(
        _slim(annotation, index, source, image_ids, names.keys())
        for index, annotation in enumerate(annotations)
    )
    return GroundTruth(source, image_ids, tuple(sorted(names.items())), kept)


def read_json(path: Path) -> Any:
    """Content of a JSON file; UserError if it is absent or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}. Check the path.") from error
    except ValueError as error:
        raise UserError(f"{path}: not a JSON file ({error}). Check that it is complete.") from error


def _entries(content: Any, key: str, source: str) -> Sequence[dict[str, Any]]:
    entries = content.get(key) if isinstance(content, Mapping) else None
    if not isinstance(entries, Sequence):
        raise UserError(
            f'{source}: no list "{key}". A COCO annotation file has images, annotations and categories.'
        )
    return entries


def _faulty(source: str, where: str, fault: str) -> UserError:
    return UserError(f"{source}: {where}: {fault}. Fix the annotation file.")


def _field(entry: Any, key: str, source: str, where: str) -> Any:
    if not isinstance(entry, Mapping) or key not in entry:
        raise _faulty(source, where, f'"{key}" is missing')
    return entry[key]


def _id(entry: Any, source: str, where: str) -> int:
    value = _field(entry, "id", source, where)
    if not isinstance(value, Integral):
        raise _faulty(source, where, f"id is {value!r}, not a whole number")
    return int(value)


def is_box(value: Any) -> bool:
    """Four finite numbers?"""
    return isinstance(value, Sequence) and len(value) == 4 and all(is_finite(number) for number in value)


def is_finite(value: Any) -> bool:
    """A number, and neither NaN nor infinite?"""
    return isinstance(value, Real) and math.isfinite(value)


def _slim(
    annotation: Mapping[str, Any],
    index: int,
    source: str,
    image_ids: Iterable[int],
    category_ids: Iterable[int],
) -> dict[str, Any]:
    where = f"annotations entry {index}"
    image, category, box = (_field(annotation, k, source, where) for k in ("image_id", "category_id", "bbox"))
    if image not in image_ids:
        raise _faulty(source, where, f"image id {image} is not in the list of images")
    if category not in category_ids:
        raise _faulty(source, where, f"category id {category} is not in the list of categories")
    if not is_box(box):
        raise _faulty(source, where, f"bbox is {box}, not [x, y, width, height]")
    return {
        "id": index + 1,  # numbered anew: pycocotools takes a match with id 0 for none
        "image_id": image,
        "category_id": category,
        "bbox": [float(value) for value in box],
        "area": float(annotation.get("area", box[2] * box[3])),
        "iscrowd": int(annotation.get("iscrowd", 0)),
        "difficult": bool(annotation.get("difficult", annotation.get("ignore", 0))),
    }
