"""PASCAL VOC: one XML file an image, in a folder or listed in ImageSets/Main/*.txt."""

from __future__ import annotations

import codecs
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ms_core.data.classes import CLASSES_FILE, ClassNames, known_classes, load_classes
from ms_core.data.image_paths import IMAGE_FOLDERS, posix_name, require_images
from ms_core.data.images import IMAGE_SUFFIXES
from ms_core.data.problems import Problems
from ms_core.data.records import Rows, build_dataset
from ms_core.data.sample import DetectionDataset
from ms_core.data.text import read_text
from ms_core.errors import UserError

ANNOTATIONS = "Annotations"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
_LARGEST_ID = 2**31 - 1
"""Image ids travel as int32 in MindRecord files."""
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._:-]*)["']""")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_MEANT = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc-kr": "cp949"}
"""Encodings that programs name when they write the larger one (encoding.spec.whatwg.org, section 4.2)."""


@dataclass(frozen=True)
class VocObject:
    """One <object>."""

    name: str
    box: tuple[float, ...]
    """xmin, ymin, xmax, ymax as written."""
    difficult: bool


@dataclass(frozen=True)
class VocPage:
    """One XML file."""

    path: Path
    filename: str
    """The <filename> element; empty where the file has none."""
    size: tuple[int, int]
    """(width, height), pixels; (0, 0) where the file does not say."""
    objects: tuple[VocObject, ...]


def read_voc(
    path: Path, images: Path | str | None, classes: Sequence[str] | Path | str | None, problems: Problems
) -> DetectionDataset:
    """Read a VOC folder or ImageSets list; see `open_dataset` for the arguments and errors.

    The classes are, without `classes`: classes.txt in the folder, or else the names that occur, sorted.
    `difficult` is kept as a flag, and such boxes are kept as boxes.
    """
    files, root = annotation_files(path)
    pages = [read_page(file) for file in files]
    names = _classes(root, pages, classes)
    rows = Rows(style="corners", origin=1.0)
    rows.ids = image_ids([page.path.stem for page in pages])
    rows.paths = _image_paths(pages, _image_folder(root, images))
    rows.names = [str(page.path) for page in pages]
    rows.sizes = [page.size for page in pages]
    _add_boxes(rows, pages, names, problems)
    if not problems.collect:
        require_images(rows.paths, rows.names)
    ids = range(1, len(names.names) + 1)
    return build_dataset(rows, names.names, tuple(ids), path, "voc", problems, names.notes)


def image_ids(stems: Sequence[str]) -> list[int]:
    """One id a file, never the same twice: the numbers in the names where all are numbers, else 1, 2, 3, ...

    Mixing both, as the old converter did, lets a counter meet a number.
    """
    if all(stem.isdecimal() and stem.isascii() for stem in stems):
        ids = [int(stem) for stem in stems]
        if len(set(ids)) == len(ids) and max(ids) <= _LARGEST_ID:
            return ids
    return list(range(1, len(stems) + 1))


def annotation_folder(folder: Path) -> Path | None:
    """Where the XML files of a VOC folder lie: in its Annotations or in itself; None where there are none."""
    for place in (folder / ANNOTATIONS, folder):
        if place.is_dir() and any(file.suffix.lower() == ".xml" for file in place.iterdir()):
            return place
    return None


def list_root(list_file: Path) -> Path | None:
    """The VOC folder that an ImageSets list belongs to: the nearest one above it with Annotations in it."""
    return next((up for up in list_file.absolute().parents if (up / ANNOTATIONS).is_dir()), None)


def annotation_files(path: Path) -> tuple[list[Path], Path]:
    """The XML files, and the VOC folder they are of."""
    if path.is_dir():
        place = annotation_folder(path)
        if place is None:
            raise UserError(
                f"{path}: no *.xml in {path.absolute()} or its folder {ANNOTATIONS}.{_advice(path)}"
            )
        return sorted(file for file in place.iterdir() if file.suffix.lower() == ".xml"), path
    root = list_root(path)
    if root is None:
        raise UserError(f"{path}: an ImageSets list, but no folder {ANNOTATIONS} above {path.absolute()}.")
    folder = root / ANNOTATIONS
    there = {file.stem for file in folder.iterdir() if file.suffix.lower() == ".xml"}
    stems = [
        _stem(line.strip(), there) for line in read_text(path, "image names").splitlines() if line.strip()
    ]
    missing = [stem for stem in stems if stem not in there]
    if missing:
        raise UserError(
            f"{path}: no annotation file {folder / missing[0]}.xml "
            f"({len(missing)} of {len(stems)} are missing)."
        )
    return [folder / f"{stem}.xml" for stem in dict.fromkeys(stems)], root


def _advice(folder: Path) -> str:
    """Point at sub-folders that do hold XML files."""
    inner = [str(sub) for sub in sorted(folder.iterdir()) if sub.is_dir() and annotation_folder(sub)]
    return (
        f" Pass one of: {', '.join(inner[:4])}." if inner else " Pass the folder that holds the annotations."
    )


def _stem(line: str, there: set[str]) -> str:
    """The image name of a list's line; per-class lists (`aeroplane_train.txt`) add an unused -1, 0 or 1."""
    name, _, flag = line.rpartition(" ")
    return name.strip() if line not in there and flag in ("-1", "0", "1") else line


def read_page(path: Path) -> VocPage:
    """Parse one XML file.

    Raises:
        UserError: unreadable, no XML (with line and column), not of VOC, or an object without name or
            numbers.
    """
    try:
        root = ElementTree.fromstring(_xml_text(path))
    except (ElementTree.ParseError, UnicodeError) as error:
        raise UserError(f"{path}: {error}. The file is not valid XML.") from error
    if root.tag != "annotation":
        raise UserError(
            f"{path}: not a VOC annotation: the outermost element is <{root.tag}>, not <annotation>."
        )
    objects = [_object(path, number, node) for number, node in enumerate(root.findall("object"), start=1)]
    return VocPage(
        path, posix_name((root.findtext("filename") or "").strip()), _size(path, root), tuple(objects)
    )


def _xml_text(path: Path) -> str | bytes:
    """The file decoded by its byte order mark or what it declares; bytes where it has neither (UTF-8, then).

    The XML parser itself knows no encoding of several bytes a character but UTF-8 and UTF-16.

    Raises:
        UserError: unreadable, an unknown encoding, or bytes that are not of it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    name = _encoding(data)
    if name is None:
        return data
    try:
        return data.decode(_MEANT.get(name.lower(), name))
    except LookupError as error:
        raise UserError(f"{path}: its encoding '{name}' is not known. Save the file as UTF-8.") from error
    except UnicodeError as error:
        raise UserError(
            f"{path}: says that it is {name} text, but is not. Save the file as UTF-8."
        ) from error


def _encoding(data: bytes) -> str | None:
    """The encoding that an XML file names; a byte order mark goes before the declaration."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return name
    declared = _DECLARED.match(data)
    return declared[1].decode("ascii") if declared else None


def _size(path: Path, root: ElementTree.Element) -> tuple[int, int]:
    """(width, height); (0, 0), as some tools write it, where the file does not know."""
    text = [root.findtext(f"size/{side}") or "0" for side in ("width", "height")]
    try:
        width, height = (round(float(number)) for number in text)
    except (ValueError, OverflowError) as error:
        raise UserError(f"{path}: size {text[0]} x {text[1]} is no number of pixels. Correct it.") from error
    return (width, height) if width > 0 and height > 0 else (0, 0)


def _object(path: Path, number: int, node: ElementTree.Element) -> VocObject:
    name = (node.findtext("name") or "").strip()
    if not name:
        raise UserError(f"{path}: object {number} has no <name>. Add it, or remove the object.")
    text = [node.findtext(f"bndbox/{corner}") for corner in CORNERS]
    try:
        box = tuple(float(value) for value in text if value is not None)
    except ValueError:
        box = ()
    if len(box) != 4:
        raise UserError(f"{path}: object {number} ({name}): <bndbox> needs numbers {', '.join(CORNERS)}.")
    return VocObject(name, box, (node.findtext("difficult") or "0").strip() not in ("", "0"))


def _classes(root: Path, pages: Sequence[VocPage], classes: Sequence[str] | Path | str | None) -> ClassNames:
    if classes is None and (root / CLASSES_FILE).is_file():
        classes = root / CLASSES_FILE
    if classes is not None:
        return load_classes(classes)
    names = sorted({item.name for page in pages for item in page.objects})
    if not names:
        raise UserError(
            f"{root}: none of the {len(pages)} annotation files has an object. Pass --data.classes FILE."
        )
    return ClassNames(tuple(names))


def _image_folder(root: Path, images: Path | str | None) -> Path:
    """Where the pictures are: `images`, a folder of a usual name beside Annotations, or the folder itself."""
    if images is not None:
        folder = Path(images)
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; looked for the images at {folder.absolute()}.")
        inside = [folder / name for name in IMAGE_FOLDERS if (folder / name).is_dir()]
        return inside[0] if inside else folder
    base = root.parent if root.name == ANNOTATIONS else root
    return next((base / name for name in IMAGE_FOLDERS if (base / name).is_dir()), root)


def _image_paths(pages: Sequence[VocPage], folder: Path) -> list[Path]:
    """The picture of each page: its <filename>, or the file of the XML's own name where that was renamed."""
    there = {file.name for file in folder.iterdir()}
    paths: list[Path] = []
    for page in pages:
        name, stem = page.filename, page.path.stem
        if not (name in there or ("/" in name and (folder / name).is_file())):
            same_stem = [stem + suffix for suffix in (*IMAGE_SUFFIXES, *map(str.upper, IMAGE_SUFFIXES))]
            name = next((candidate for candidate in same_stem if candidate in there), name or f"{stem}.jpg")
        paths.append(folder / name)
    return paths


def _add_boxes(rows: Rows, pages: Sequence[VocPage], classes: ClassNames, problems: Problems) -> None:
    """Append every object of every page."""
    label_of_name = classes.index()
    for i, page in enumerate(pages):
        for number, item in enumerate(page.objects, start=1):
            label = label_of_name.get(item.name, -1)
            if label < 0:
                known = known_classes(item.name, classes.names)
                what = f"object {number}: class '{item.name}' is not among the classes ({known})"
                problems.add("class", rows.names[i], what)
            rows.image.append(i)
            rows.box.append(item.box)
            rows.label.append(label)
            rows.crowd.append(False)
            rows.difficult.append(item.difficult)
            rows.area.append(math.nan)
