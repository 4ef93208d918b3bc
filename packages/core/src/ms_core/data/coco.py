"""COCO detection JSON: images, annotations, categories."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from ms_core.data.classes import known_classes, load_classes
from ms_core.data.image_paths import image_base, posix_name, require_images
from ms_core.data.problems import Problems
from ms_core.data.records import Rows, build_dataset
from ms_core.data.sample import DetectionDataset
from ms_core.data.text import read_text
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
    try:
        content = json.loads(read_text(path, "COCO annotations"), object_hook=_without_mask)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}: line {error.lineno} column {error.colno}: {error.msg}. The file is not valid JSON."
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: not COCO annotations: a {_kind(content)} where an object was expected.")
    missing = [key for key in ("images", "categories") if not isinstance(content.get(key), list)]
    if missing:
        there = ", ".join(list(content)[:6]) or "nothing"
        raise UserError(f"{path}: not COCO annotations: no list '{missing[0]}' in it (there is: {there}).")
    if not content["images"]:
        raise UserError(f"{path}: the list 'images' is empty: nothing to work on.")
    if not isinstance(content.setdefault("annotations", []), list):
        raise UserError(f"{path}: not COCO annotations: 'annotations' is not a list.")
    return content


def _without_mask(entry: dict[str, Any]) -> dict[str, Any]:
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
    used = {id_ for id_ in entries if _is_id(id_)}
    ids: dict[str, int] = {}
    for number, category in enumerate(content["categories"], start=1):
        if not isinstance(category, dict) or not _is_id(category.get("id")) or not category.get("name"):
            raise UserError(
                f"{path}: category {number} lacks an integer id or a name. Every category needs both."
            )
        name, id_ = str(category["name"]), int(category["id"])
        if name in ids and {id_, ids[name]} <= used:
            raise UserError(
                f"{path}: categories {ids[name]} and {id_} are both named '{name}'. Rename or merge them."
            )
        if name not in ids or id_ in used:
            ids[name] = id_
    if len(set(ids.values())) < len(ids):
        raise UserError(f"{path}: two categories have the same id. Every category needs its own.")
    return ids


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
        if not isinstance(image, dict) or not _is_id(image.get("id")):
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
        if not isinstance(entry, dict) or not _is_id(entry.get("image_id")) or entry["image_id"] not in index:
            _report_dangling(path, number, entry, problems)
            continue
        i = index[entry["image_id"]]
        if problems.collect:
            _report_repeated_id(path, entry, seen, problems)
        rows.image.append(i)
        rows.box.append(_bbox(entry, rows.names[i]))
        rows.label.append(_label(entry, rows.names[i], labels, problems))
        rows.crowd.append(bool(entry.get("iscrowd", 0)))
        rows.difficult.append(bool(entry.get("difficult", 0)))
        rows.area.append(_area(entry))


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
    if not _is_id(id_):
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
    if not _is_id(category) or category not in labels.of_category:
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


def _area(entry: dict[str, Any]) -> float:
    area = entry.get("area")
    return float(area) if isinstance(area, (int, float)) else float("nan")


def _is_id(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
