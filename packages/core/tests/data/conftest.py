"""Small annotated sets, written to disk; and lets the tests of this folder import `record_sets`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Writes a picture of random colours; the seed decides its content."""

    def write(path: Path, width: int = 64, height: int = 48, seed: int = 0, **options: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
        return path

    return write


@pytest.fixture
def coco_file(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    """Writes ann.json beside images of 64x48; `boxes` lists (category id, bbox, extra) for each image."""

    def write(
        boxes: list[list[tuple]],
        named: dict[int, str] | None = None,
        name: str = "ann.json",
        **changes: Any,
    ) -> Path:
        images, annotations = [], []
        for i, entries in enumerate(boxes):
            picture(tmp_path / f"{i}.jpg", seed=i)
            images.append({"id": 10 + i, "file_name": f"{i}.jpg", "width": 64, "height": 48})
            for category, bbox, *extra in entries:
                entry = {
                    "id": len(annotations) + 1,
                    "image_id": 10 + i,
                    "category_id": category,
                    "bbox": bbox,
                }
                annotations.append({**entry, "iscrowd": 0, **(extra[0] if extra else {})})
        names = named or {3: "cat", 7: "dog"}
        content = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": id_, "name": text} for id_, text in names.items()],
        }
        path = tmp_path / name
        path.write_text(json.dumps({**content, **changes}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def voc_page() -> Callable[..., Path]:
    """Writes one VOC XML: `objects` are (name, (xmin, ymin, xmax, ymax), difficult)."""

    def write(
        path: Path, filename: str, objects: list[tuple], size: tuple[int, int] | None = (64, 48)
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = [f"<filename>{filename}</filename>"]
        if size is not None:
            parts.append(f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>")
        for name, corners, *difficult in objects:
            box = "".join(
                f"<{tag}>{value}</{tag}>"
                for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
            )
            flag = f"<difficult>{int(bool(difficult and difficult[0]))}</difficult>"
            parts.append(f"<object><name>{name}</name>{flag}<bndbox>{box}</bndbox></object>")
        path.write_text(f"<annotation>{''.join(parts)}</annotation>", encoding="utf-8")
        return path

    return write
