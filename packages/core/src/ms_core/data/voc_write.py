"""Writing a VOC folder: Annotations, JPEGImages (copies), ImageSets/Main/all.txt and classes.txt."""

from __future__ import annotations

import shutil
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ms_core.data.classes import CLASSES_FILE
from ms_core.data.naming import unique_stems
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.data.txt import format_number
from ms_core.data.voc import ANNOTATIONS, CORNERS
from ms_core.errors import UserError

IMAGES = "JPEGImages"
_PARTS = {ANNOTATIONS, IMAGES, "ImageSets", CLASSES_FILE}


def write_voc(dataset: DetectionDataset, out: Path, overwrite: bool) -> None:
    """Make the folder beside its place, then rename it; a folder that was there stays until that is done.

    Raises:
        UserError: the folder is there (without `overwrite`, or with other things in it, or with the source
            images in it), or the disk refuses.
    """
    _refuse(dataset, out, overwrite)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        new = Path(temporary) / "new"
        try:
            _write_folder(dataset, new)
            if out.exists():
                _replace_folder(out, new)
            else:
                new.rename(out)
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            raise UserError(f"{out}: cannot write: {error.strerror or error}{place}.") from error


def _replace_folder(out: Path, new: Path) -> None:
    """Rename `new` to `out`. The old folder waits in one of its own, which no clean-up deletes, and comes back.

    Raises:
        UserError: the old folder cannot be put back, either; the message says where it is.
        OSError: nothing was changed.
    """
    waiting = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.old."))
    old = waiting / out.name
    try:
        out.rename(old)
        new.rename(out)
    except BaseException:  # Ctrl-C, too
        _put_back(old, out)
        waiting.rmdir()
        raise
    shutil.rmtree(waiting)


def _put_back(old: Path, out: Path) -> None:
    """Rename `old` to `out` where it was moved away."""
    if not old.exists():
        return
    try:
        old.rename(out)
    except OSError as error:
        raise UserError(
            f"{out}: cannot be written, and what was there cannot be put back ({error.strerror or error}). It is "
            f"unchanged in {old}; move it back by hand."
        ) from error


def page(sample: Sample, filename: str, classes: tuple[str, ...]) -> ElementTree.ElementTree:
    """The XML of one image; pixels are numbered from 1, fractions are kept."""
    root = ElementTree.Element("annotation")
    _add(root, "folder", IMAGES)
    _add(root, "filename", filename)
    size = ElementTree.SubElement(root, "size")
    for name, value in (("width", sample.width), ("height", sample.height), ("depth", 3)):
        _add(size, name, str(value))
    _add(root, "segmented", "0")
    for box, label, difficult in zip(sample.boxes.tolist(), sample.labels, sample.difficult, strict=True):
        node = ElementTree.SubElement(root, "object")
        for name, text in (("name", classes[label]), ("pose", "Unspecified"), ("truncated", "0")):
            _add(node, name, text)
        _add(node, "difficult", str(int(difficult)))
        corners = ElementTree.SubElement(node, "bndbox")
        for corner, value in zip(CORNERS, (box[0] + 1, box[1] + 1, box[2], box[3]), strict=True):
            _add(corners, corner, format_number(value))
    ElementTree.indent(root)
    return ElementTree.ElementTree(root)


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _write_folder(dataset: DetectionDataset, folder: Path) -> None:
    for part in (ANNOTATIONS, IMAGES, "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    stems = unique_stems([sample.path for sample in dataset.samples])
    for sample, stem in zip(dataset.samples, stems, strict=True):
        filename = stem + sample.path.suffix
        shutil.copyfile(sample.path, folder / IMAGES / filename)
        file = folder / ANNOTATIONS / f"{stem}.xml"
        page(sample, filename, dataset.classes).write(file, encoding="utf-8", xml_declaration=True)
    names = "".join(f"{stem}\n" for stem in stems)
    (folder / "ImageSets/Main/all.txt").write_text(names, encoding="utf-8")
    classes = "".join(f"{name}\n" for name in dataset.classes)
    (folder / CLASSES_FILE).write_text(classes, encoding="utf-8")


def _refuse(dataset: DetectionDataset, out: Path, overwrite: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out}: is a file; VOC annotations are a folder. Give another --out.")
    there = {entry.name for entry in out.iterdir()}
    if there and not overwrite:
        raise UserError(f"{out}: is already there. Give another --out, or pass --overwrite.")
    if there - _PARTS:
        raise UserError(
            f"{out}: holds '{min(there - _PARTS)}', which is no part of a VOC folder. Give another --out."
        )
    if any(out.absolute() in sample.path.absolute().parents for sample in dataset.samples):
        raise UserError(f"{out}: the images to convert lie in it. Give another --out.")
