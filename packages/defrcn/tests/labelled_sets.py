"""Small annotated sets, written to disk with empty picture files: opening annotations decodes no picture."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Objects = Mapping[str, Sequence[str]]
"""Picture file -> the class of each of its objects; "cow?" is marked difficult, "cow*" is a crowd."""


def write_coco(path: Path, pictures: Objects, names: Sequence[str], width: int = 200) -> Path:
    """A COCO JSON with the pictures beside it; the n-th object of a picture is 10 + n pixels wide."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = {name: 3 * number + 1 for number, name in enumerate(names)}
    images, annotations = [], []
    for number, (file, objects) in enumerate(pictures.items()):
        (path.parent / file).touch()
        images.append({"id": 100 + number, "file_name": file, "width": width, "height": 100})
        annotations += [
            {
                "id": len(annotations) + n + 1,
                "image_id": 100 + number,
                "category_id": ids[text.rstrip("?*")],
                "bbox": [5 * n, 10, 10 + n, 20],
                "iscrowd": int(text.endswith("*")),
                "difficult": int(text.endswith("?")),
            }
            for n, text in enumerate(objects)
        ]
    categories = [{"id": id_, "name": name} for name, id_ in ids.items()]
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories}), "utf-8"
    )
    return path


def write_voc(root: Path, pictures: Objects, list_name: str = "trainval") -> Path:
    """A VOC tree with an ImageSets list of all its pictures; returns the list."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for file, objects in pictures.items():
        (root / "JPEGImages" / file).touch()
        boxes = "".join(_voc_object(text, n) for n, text in enumerate(objects))
        size = "<size><width>200</width><height>100</height><depth>3</depth></size>"
        text = f"<annotation><filename>{file}</filename>{size}{boxes}</annotation>"
        (root / "Annotations" / f"{Path(file).stem}.xml").write_text(text, "utf-8")
    names = root / "ImageSets" / "Main" / f"{list_name}.txt"
    names.write_text("".join(f"{Path(file).stem}\n" for file in pictures), "utf-8")
    return names


def _voc_object(text: str, number: int) -> str:
    box = f"<xmin>{5 * number + 1}</xmin><ymin>11</ymin><xmax>{6 * number + 10}</xmax><ymax>30</ymax>"
    difficult = int(text.endswith("?"))
    name = text.rstrip("?*")
    return f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>"
