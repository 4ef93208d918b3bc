"""COCO detection JSON: images, annotations, categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from ms_core.data.classes import known_classes, load_classes
from ms_core.data.image_paths import image_base, posix_name, require_images
from ms_core.data.problems import Problems
from ms_core.data.records import Rows, build_dataset
from ms_core.data.sample import DetectionDataset
from ms_core.data.text import read_json
from ms_core.errors import UserError

_LARGEST_SIDE = 1 << 20
"""Pixels; OpenCV reads no larger picture."""


@dataclass(frozen=True)
class _Labels:
    """What a category id means here."""

    names: tuple[str, ...]
    """The classes, in label order."""
    of_category: dict[int, tuple[str, int]]
    """Category id -> its name and label, -1 where the name is not among the classes."""


def read_coco(
    path: Path, images: Path | str | None, classes: Sequence[str] | Path | str | None, problems: Problems
) -> DetectionDataset:
    """Read a COCO detection file; see `open_dataset` for the arguments and errors."""
    content = parse_coco(path)
    names, category_ids, notes = _classes(path, content, classes, problems)
    rows = _image_rows(path, content, images, problems)
    _add_boxes(path, content, rows, _Labels(names, _label_of_category(content, names)), problems)
    if not problems.collect:
        require_images(rows.paths, rows.names)
    return build_dataset(rows, names, category_ids, path, "coco", problems, notes)


def parse_coco(path: Path) -> dict[str, Any]:
    """The file's content without its masks, checked to have the COCO lists.

    Raises:
        UserError: empty, no JSON (with line and column), or JSON without the lists images and categories.
    """
    return require_lists(read_json(path, "COCO annotations", without_mask), str(path))


def require_lists(content: object, source: str) -> dict[str, Any]:
    """COCO content with its three lists; one without annotations gets an empty list.

    Args:
        source: the file, or what else to call it in messages.

    Raises:
        UserError: no object, no list of images (or an empty one) or of categories, or no list of annotations.
    """
    if not isinstance(content, Mapping):
        raise UserError(f"{source}: not COCO annotations: a {_kind(content)} where an object was expected.")
    missing = [key for key in ("images", "categories") if not isinstance(content.get(key), list)]
    if missing:
        there = ", ".join(list(content)[:6]) or "nothing"
        raise UserError(f"{source}: not COCO annotations: no list '{missing[0]}' in it (there is: {there}).")
    if not content["images"]:
        raise UserError(f"{source}: the list 'images' is empty: nothing to work on.")
    if not isinstance(content.get("annotations", []), list):
        raise UserError(f"{source}: not COCO annotations: 'annotations' is not a list.")
    return {"annotations": [], **content}


def without_mask(entry: dict[str, Any]) -> dict[str, Any]:
    """Masks are nine tenths of COCO's file and of its memory, and no box needs them."""
    entry.pop("segmentation", None)
    return entry


def _kind(content: object) -> str:
    return "list" if isinstance(content, list) else "text" if isinstance(content, str) else "value"


def _classes(
    path: Path, content: dict[str, Any], classes: Sequence[str] | Path | str | None, problems: Problems
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """Class names in label order, their category ids, notes.

    Without `classes`: the categories by ascending id. With: a name the file lacks gets a free id, because a
    split need not contain every class; but where unknown classes are dropped it must be a spelling mistake.
    """
    id_of_name = _category_ids(path, content)
    if classes is None:
        if not id_of_name:
            raise UserError(
                f"{path}: the list 'categories' is empty. Add the classes, with an id and a name each."
            )
        by_id = sorted(id_of_name.items(), key=lambda item: item[1])
        return tuple(name for name, _ in by_id), tuple(id_ for _, id_ in by_id), ()
    wanted = load_classes(classes)
    free = max(id_of_name.values(), default=0) + 1
    ids: list[int] = []
    for name in wanted.names:
        if name not in id_of_name and problems.drops("class"):
            raise UserError(f"{path}: no category is named '{name}' ({known_classes(name, id_of_name)}).")
        ids.append(id_of_name.get(name, free))
        free += name not in id_of_name
    return wanted.names, tuple(ids), wanted.notes


def _category_ids(path: Path, content: dict[str, Any]) -> dict[str, int]:
    """Category id of each name. Two categories of one name are an error only where both have boxes."""
    entries = [entry.get("category_id") for entry in content["annotations"] if isinstance(entry, dict)]
    used = {id_ for id_ in entries if is_id(id_)}
    ids: dict[str, int] = {}
    for id_, name in category_names(content, str(path)).items():
        if name in ids and {id_, ids[name]} <= used:
            raise UserError(
                f"{path}: categories {ids[name]} and {id_} are both named '{name}'. Rename or merge them."
            )
        if name not in ids or id_ in used:
            ids[name] = id_
    return ids


def category_names(content: Mapping[str, Any], source: str) -> dict[int, str]:
    """The name of each category id, in the file's order.

    Args:
        source: the file, or what else to call it in messages.

    Raises:
        UserError: a category without an integer id or a name, or two with one id.
    """
    names: dict[int, str] = {}
    for number, category in enumerate(content["categories"], start=1):
        if not isinstance(category, Mapping) or not is_id(category.get("id")) or not category.get("name"):
            raise UserError(
                f"{source}: category {number} lacks an integer id or a name. Every category needs both."
            )
        id_ = int(category["id"])
        if id_ in names:
            raise UserError(
                f"{source}: two categories have the same id, {id_}. Every category needs its own."
            )
        names[id_] = str(category["name"])
    return names


def _label_of_category(content: dict[str, Any], names: Sequence[str]) -> dict[int, tuple[str, int]]:
    label_of_name = {name: label for label, name in enumerate(names)}
    return {
        int(category["id"]): (str(category["name"]), label_of_name.get(str(category["name"]), -1))
        for category in content["categories"]
    }


def _image_rows(path: Path, content: dict[str, Any], images: Path | str | None, problems: Problems) -> Rows:
    """One entry for each image of the file."""
    rows = Rows(style="xywh")
    files: list[str] = []
    for number, image in enumerate(content["images"], start=1):
        if not isinstance(image, dict) or not is_id(image.get("id")):
            raise UserError(f"{path}: entry {number} of 'images' has no integer id. Every image needs one.")
        if not isinstance(image.get("file_name"), str) or not image["file_name"]:
            raise UserError(f"{path}: image {image['id']}: no file_name. Every image needs one.")
        rows.ids.append(int(image["id"]))
        rows.names.append(f"{path}: image {image['id']}")
        rows.sizes.append(_size(image, rows.names[-1]))
        files.append(posix_name(image["file_name"]))
    base = image_base(path, files, images)
    rows.paths = [base / file for file in files]
    if len(set(rows.ids)) < len(rows.ids):
        for id_, times in Counter(rows.ids).items():
            if times > 1:
                problems.add("id", f"{path}: image {id_}", f"this image id occurs {times} times in 'images'")
    return rows


def _size(image: dict[str, Any], where: str) -> tuple[int, int]:
    """(width, height) in pixels; (0, 0) where the file leaves it out, to be read from the image's header."""
    width, height = image.get("width"), image.get("height")
    if width is None or height is None:
        return 0, 0
    if not all(isinstance(side, (int, float)) and 0 < side < _LARGEST_SIDE for side in (width, height)):
        raise UserError(f"{where}: size {width} x {height} is not possible. Correct it, or leave it out.")
    return round(width), round(height)


def _add_boxes(path: Path, content: dict[str, Any], rows: Rows, labels: _Labels, problems: Problems) -> None:
    """Append every annotation that belongs to an image of the file."""
    index = {id_: i for i, id_ in enumerate(rows.ids)}
    seen: set[int] = set()
    for number, entry in enumerate(content["annotations"], start=1):
        if not isinstance(entry, dict) or not is_id(entry.get("image_id")) or entry["image_id"] not in index:
            _report_dangling(path, number, entry, problems)
            continue
        i = index[entry["image_id"]]
        if problems.collect:
            _report_repeated_id(path, entry, seen, problems)
        rows.image.append(i)
        rows.box.append(_bbox(entry, rows.names[i]))
        rows.label.append(_label(entry, rows.names[i], labels, problems))
        rows.crowd.append(is_crowd(entry))
        rows.difficult.append(bool(entry.get("difficult", 0)))
        rows.area.append(annotation_area(entry))


def _report_dangling(path: Path, number: int, entry: object, problems: Problems) -> None:
    """An annotation of no image: pycocotools ignores it; here it counts as an invalid box."""
    if not isinstance(entry, dict):
        raise UserError(f"{path}: entry {number} of 'annotations' is a {_kind(entry)}, not an object.")
    problems.counts["dropped"] += 1
    name = f"annotation {entry.get('id', number)}"
    problems.add("box", f"{path}: {name}", f"its image_id {entry.get('image_id')} is not in 'images'")


def _report_repeated_id(path: Path, entry: dict[str, Any], seen: set[int], problems: Problems) -> None:
    """Harmless here (`to_coco` numbers anew), but other tools lose boxes by it."""
    id_ = entry.get("id")
    if not is_id(id_):
        problems.add(
            "id", f"{path}: annotation {id_} of image {entry['image_id']}", "its id is not an integer"
        )
    elif id_ in seen:
        problems.add("id", f"{path}: annotation {id_}", "this annotation id occurs more than once")
    else:
        seen.add(id_)


def _bbox(entry: dict[str, Any], where: str) -> list[float]:
    """The four numbers x, y, w, h."""
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, (int, float)) for v in box):
        raise UserError(
            f"{where}: annotation {entry.get('id')}: bbox {box} is not four numbers [x, y, w, h]."
        )
    return box


def _label(entry: dict[str, Any], where: str, labels: _Labels, problems: Problems) -> int:
    """Label of the annotation's category; -1 where it is unknown and to be left out."""
    category = entry.get("category_id")
    if not is_id(category) or category not in labels.of_category:
        what = f"annotation {entry.get('id')}: category_id {category} is not in 'categories'"
        problems.add("class", where, what)
        return -1
    name, label = labels.of_category[category]
    if label < 0:
        known = known_classes(name, labels.names)
        problems.add(
            "class", where, f"annotation {entry.get('id')}: class '{name}' is not among the classes ({known})"
        )
    return label


def annotation_area(entry: Mapping[str, Any]) -> float:
    """The annotation's own area, pixels^2; nan where it has none, also null or text, and its box's counts."""
    area = entry.get("area")
    return float(area) if isinstance(area, (int, float, np.number)) else float("nan")


def is_crowd(entry: Mapping[str, Any]) -> bool:
    """Whether the annotation is one box around many objects; null is no."""
    return bool(entry.get("iscrowd"))


def is_id(value: object) -> TypeGuard[int]:
    """A whole number, which true and 1.0 are not."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
