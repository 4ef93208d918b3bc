"""From what a reader parsed to a checked `DetectionDataset`: the part that is the same for every format."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from ms_core.data.images import image_size
from ms_core.data.problems import Problems
from ms_core.data.sample import DetectionDataset, Format, Sample
from ms_core.errors import UserError

TOLERANCE = 2.0
"""Pixels a box may reach outside its image and be clipped silently: tools round, and VOC counts from 1."""

HEADER_THREADS = 8
"""Threads that read image headers; the time is disk latency, not computing."""


@dataclass
class Rows:
    """Annotations as parsed, before any check: one entry an image, one row a box (in any order)."""

    style: Literal["xywh", "corners"]
    """How the file writes a box, for messages: (x, y, w, h) or (xmin, ymin, xmax, ymax)."""
    origin: float = 0.0
    """What the file calls the first pixel's left edge: 1 in VOC, else 0."""
    ids: list[int] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    """(width, height) of each image, pixels; (0, 0) where the annotation does not say."""
    names: list[str] = field(default_factory=list)
    """How messages name each image, for example `train.json: image 391895`."""
    image: list[int] = field(default_factory=list)
    """Of each box: index of its image in the lists above."""
    box: list[Sequence[float]] = field(default_factory=list)
    """Of each box: four numbers, in `style`."""
    label: list[int] = field(default_factory=list)
    """Of each box: index of its class; -1 where it has none and is left out."""
    crowd: list[bool] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    """Of each box: pixels^2; nan where the annotation does not say."""


def build_dataset(
    rows: Rows,
    classes: Sequence[str],
    category_ids: Sequence[int],
    source: Path,
    format: Format,
    problems: Problems,
    notes: Sequence[str] = (),
) -> DetectionDataset:
    """Check the rows, settle boxes at the border, and group them by image.

    Raises:
        UserError: by way of `problems`, the first invalid box; or an image whose size is nowhere to be found.
    """
    sizes = complete_sizes(rows, problems)
    image = np.asarray(rows.image, dtype=np.int64)  # [n]
    raw = np.asarray(rows.box, dtype=np.float64).reshape(-1, 4)  # [n, 4]
    limits = np.where(
        sizes > 0, sizes, np.inf
    )  # unknown only while checking, where a missing file was reported
    corners, keep = _settle(rows, raw, limits[image], image, problems)
    labels = np.asarray(rows.label, dtype=np.int32)
    problems.counts["unknown"] += int((labels < 0).sum())
    keep &= labels >= 0
    area = np.asarray(rows.area, dtype=np.float64)
    area = np.where(np.isfinite(area) & (area > 0), area, np.prod(corners[:, 2:] - corners[:, :2], axis=1))
    order = np.argsort(image, kind="stable")
    order = order[keep[order]]
    columns = (
        corners[order],
        labels[order],
        np.asarray(rows.crowd, dtype=bool)[order],
        np.asarray(rows.difficult, dtype=bool)[order],
        area[order].astype(np.float32),
    )
    ends = np.searchsorted(image[order], np.arange(len(rows.ids) + 1)).tolist()
    samples = tuple(
        Sample(id_, path, width, height, *(column[start:end] for column in columns))
        for id_, path, (width, height), start, end in zip(
            rows.ids, rows.paths, sizes.tolist(), ends[:-1], ends[1:], strict=True
        )
    )
    counts = problems.counts
    return DetectionDataset(
        classes=tuple(classes),
        category_ids=tuple(category_ids),
        samples=samples,
        source=source,
        format=format,
        dropped=counts["dropped"],
        clipped=counts["clipped"],
        notes=(*notes, *_count_notes(problems, source)),
    )


def complete_sizes(rows: Rows, problems: Problems) -> np.ndarray:
    """int64 [images, 2] (width, height); sizes the annotation does not give come from the image headers.

    Raises:
        UserError: such an image is missing or no image (while checking, its size stays (0, 0)).
    """
    sizes = np.asarray(rows.sizes, dtype=np.int64).reshape(-1, 2)
    unknown = np.flatnonzero((sizes <= 0).any(axis=1))
    if len(unknown):
        with ThreadPoolExecutor(HEADER_THREADS) as pool:
            read = partial(_header_size, checking=problems.collect)
            sizes[unknown] = list(pool.map(read, [rows.paths[i] for i in unknown]))
    return sizes


def _header_size(path: Path, checking: bool) -> tuple[int, int]:
    """`image_size`, or (0, 0) for a broken file while checking: the check reports it later."""
    try:
        return image_size(path)
    except UserError:
        if checking:
            return 0, 0
        raise


def _settle(
    rows: Rows, raw: np.ndarray, limits: np.ndarray, image: np.ndarray, problems: Problems
) -> tuple[np.ndarray, np.ndarray]:
    """Corners clipped to the image, float32 [n, 4] x0 y0 x1 y1, and bool [n]: which boxes remain.

    Args:
        raw: [n, 4] as written in the file.
        limits: [n, 2] width and height of each box's image, pixels.
        image: [n] index of each box's image.
    """
    corners, extents = _corners(rows, raw)
    finite = np.isfinite(raw).all(axis=1)
    flat = finite & (extents <= 0).any(axis=1)
    corners = np.where(finite[:, None], corners, 0.0)
    overshoot = np.maximum(-corners[:, :2], corners[:, 2:] - limits).max(axis=1, initial=0.0)
    clipped = np.clip(corners, 0.0, np.tile(limits, 2)).astype(np.float32)
    empty = (clipped[:, 2:] <= clipped[:, :2]).any(axis=1)
    outside = finite & ~flat & ((overshoot > TOLERANCE) | empty)
    faulty = np.flatnonzero(~finite | flat | outside)
    numbers = _numbers_within(image) if len(faulty) else image
    for i in faulty:
        what = _fault(rows.style, raw[i], extents[i], limits[i], bool(flat[i]), bool(empty[i]))
        problems.add("box", rows.names[image[i]], f"box {numbers[i]} {what}")
    keep = finite & ~flat & ~empty
    problems.counts["dropped"] += int((~keep).sum())
    problems.counts["clipped"] += int((keep & outside).sum())
    return clipped, keep


def _numbers_within(image: np.ndarray) -> np.ndarray:
    """[n] the place of each box among the boxes of its image, from 1, as a reader of the file counts."""
    order = np.argsort(image, kind="stable")
    numbers = np.empty_like(image)
    numbers[order] = np.arange(1, len(image) + 1) - np.searchsorted(image[order], image[order])
    return numbers


def _corners(rows: Rows, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners [n, 4] as pixel edges, and the width and height [n, 2] by which a box counts as empty.

    VOC numbers the pixels from 1 and includes the last one, so its xmin, xmax are the edges xmin - 1, xmax.
    All 273 boxes of shared/data/voc100 agree so with the COCO file beside them (only xmin and ymin differ, by
    exactly 1). A VOC box with xmin = xmax still counts as empty: that is a stray click, as in BCCD, not an
    object one pixel wide.
    """
    if rows.style == "xywh":
        return np.concatenate((raw[:, :2], raw[:, :2] + raw[:, 2:]), axis=1), raw[:, 2:]
    corners = raw - np.array([rows.origin, rows.origin, 0.0, 0.0])
    return corners, raw[:, 2:] - raw[:, :2]


def _fault(
    style: str, raw: np.ndarray, extent: np.ndarray, limit: np.ndarray, flat: bool, empty: bool
) -> str:
    """What is wrong with one box, with the numbers as they stand in the file."""
    x0, y0, x1, y1 = raw.tolist()
    across, along = ("w", "h") if style == "xywh" else ("xmax", "ymax")
    left, top = ("x", "y") if style == "xywh" else ("xmin", "ymin")
    whole = f"({left}={x0}, {top}={y0}, {across}={x1}, {along}={y1})"
    if not np.isfinite(raw).all():
        return f"is not finite {whole}"
    if flat and extent[0] <= 0:
        return f"has width {extent[0]:g} ({left}={x0}, {across}={x1})"
    if flat:
        return f"has height {extent[1]:g} ({top}={y0}, {along}={y1})"
    place = "lies" if empty else "reaches"
    return f"{place} outside the {limit[0]:g}x{limit[1]:g} image {whole}"


def _count_notes(problems: Problems, source: Path) -> list[str]:
    """One line for what happened to boxes."""
    counts = problems.counts
    words = (
        ("dropped", "invalid and left out"),
        ("clipped", "clipped to the image"),
        ("unknown", "of other classes left out"),
    )
    return [
        f"{source}: {counts[key]} box{'es' if counts[key] > 1 else ''} {text}"
        for key, text in words
        if counts[key]
    ]
