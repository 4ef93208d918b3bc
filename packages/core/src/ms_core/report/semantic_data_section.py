"""What a segmentation network was trained on: pictures, pixels of each class."""

from __future__ import annotations

from typing import Any

from ms_core.report.html import Html, bar, count, element, joined, percent, table, with_chip
from ms_core.report.run_facts import RunFacts


def semantic_data_section(run: RunFacts) -> Html:
    """One table for the splits, one for the classes."""
    splits: dict[str, dict[str, Any]] = run.data["splits"]
    return joined(
        [_splits(splits), *_notes(splits), _classes(run.data["classes"], run.data["palette"], splits)]
    )


def _splits(splits: dict[str, dict[str, Any]]) -> Html:
    head = ["", "images", "masks counted", "size", "not annotated", "source"]
    rows = [
        [
            name,
            count(split["images"]),
            count(split["counted"]),
            _sizes(split["sizes"]),
            percent(split["ignored_pixels"], split["pixels"]),
            split["source"],
        ]
        for name, split in splits.items()
    ]
    return table(head, rows, words=frozenset({0, 5}))


def _sizes(sizes: list[list[int]]) -> str:
    """(width, height, images) each, the most frequent first."""
    if not sizes:
        return "–"
    width, height, _ = sizes[0]
    further = len(sizes) - 1
    return f"{width}×{height}" + (f" and {further} other{'s' if further > 1 else ''}" if further else "")


def _notes(splits: dict[str, dict[str, Any]]) -> list[Html]:
    """What the sets say of themselves, and which numbers are those of a sample."""
    notes = dict.fromkeys(note for split in splits.values() for note in split["notes"])
    sampled = [name for name, split in splits.items() if split["counted"] < split["images"]]
    if sampled:
        words = (
            f"Sizes and pixels of {' and '.join(sampled)}: of the masks counted, evenly spread over the set."
        )
        notes[words] = None
    return [element("p", note, class_="note") for note in notes]


def _classes(classes: list[str], palette: list[list[int]], splits: dict[str, dict[str, Any]]) -> Html:
    head = ["class", *(f"{name} {what}" for name in splits for what in ("pixels", "in images"))]
    first = next(iter(splits.values()))["class_pixels"]
    rows = []
    for label in sorted(range(len(classes)), key=lambda label: -first[label]):
        row: list[object] = [with_chip(classes[label], palette[label])]
        for split in splits.values():
            valid, pixels = split["pixels"] - split["ignored_pixels"], split["class_pixels"][label]
            most = max(split["class_pixels"]) or 1
            row.append(joined([bar(pixels / most), percent(pixels, valid, digits=2)]))
            row.append(percent(split["class_images"][label], split["counted"]))
        rows.append(row)
    words = "Pixels: share of those annotated. In images: share of the images that have the class."
    return joined(
        [element("h3", "Pixels of each class"), table(head, rows), element("p", words, class_="note")]
    )
