"""What the network was trained on: images, boxes of each class, how large they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ms_core.data.summary import SIDE_EDGES
from ms_core.report.figures import SERIES, can_plot, frame, inline_svg, legend_entries, new_figure
from ms_core.report.html import Html, bar, count, diagram, element, joined, table
from ms_core.report.run_facts import RunFacts


def data_section(run: RunFacts) -> Html:
    """One table for the splits, one for the classes, a histogram of box sides."""
    splits: dict[str, dict[str, Any]] = run.data["splits"]
    return joined(
        [_splits(splits), *_notes(splits), _sizes(run, splits), _classes(run.data["classes"], splits)]
    )


def _splits(splits: dict[str, dict[str, Any]]) -> Html:
    head = ["", "images", "without a box", "boxes", "most in one", "small", "medium", "large", "source"]
    rows = []
    for name, split in splits.items():
        keys = ("images", "empty", "boxes", "most_in_one_image")
        sizes = [_share(split[key], split["boxes"]) for key in ("small", "medium", "large")]
        rows.append([name, *(count(split[key]) for key in keys), *sizes, split["source"]])
    words = "Small, medium, large: areas below 32², up to 96², above, in pixels of the image, as COCO counts."
    return joined([table(head, rows, words=frozenset({0, 8})), element("p", words, class_="note")])


def _notes(splits: dict[str, dict[str, Any]]) -> list[Html]:
    notes = dict.fromkeys(note for split in splits.values() for note in split["notes"])
    return [element("p", note, class_="note") for note in notes]


def _sizes(run: RunFacts, splits: dict[str, dict[str, Any]]) -> Html | None:
    drawn = {name: split for name, split in splits.items() if split["boxes"]}
    if not can_plot() or not drawn:
        return None
    canvas = new_figure(3.9, 2.5)
    axes = canvas.subplots()
    frame(axes, x_label="side of the box, % of the image", y_label="% of the boxes")
    edges = 100 * SIDE_EDGES
    for (name, split), colour in zip(drawn.items(), SERIES, strict=False):
        shares = 100 * np.array(split["side_histogram"]) / split["boxes"]
        axes.stairs(shares, edges, color=colour, linewidth=1.5, label=name)
    axes.set_xscale("log")
    ticks = [0.5, 1, 2, 5, 10, 20, 50, 100]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    svg = inline_svg(canvas, "box-sides", "How large the boxes are")
    block = diagram("Size of the boxes", svg, legend_entries(axes), _sizes_in_words(run, drawn))
    return element("div", block, class_="grid")


def _sizes_in_words(run: RunFacts, splits: dict[str, dict[str, Any]]) -> str:
    name, split = next(iter(splits.items()))
    low, middle, high = split["side_quantiles"]
    words = f"Half of the {name} boxes have a side below {100 * middle:.1f} % of the image; nine of ten lie between "
    words += f"{100 * low:.1f} and {100 * high:.1f} %."
    size = run.data.get("input_size")
    if size:
        side = (size[0] * size[1]) ** 0.5
        words += f" The network sees {low * side:.0f}, {middle * side:.0f} and {high * side:.0f} pixels."
    return words + " Side: root of the box's share of the area."


def _classes(classes: list[str], splits: dict[str, dict[str, Any]]) -> Html:
    head = ["class", *(f"{name} {what}" for name in splits for what in ("boxes", "images"))]
    most = {name: max(split["class_boxes"], default=1) or 1 for name, split in splits.items()}
    first = next(iter(splits.values()))["class_boxes"]
    order = sorted(range(len(classes)), key=lambda label: -first[label])
    rows = []
    for label in order:
        row: list[object] = [classes[label]]
        for name, split in splits.items():
            boxes = split["class_boxes"][label]
            row += [joined([bar(boxes / most[name]), count(boxes)]), count(split["class_images"][label])]
        rows.append(row)
    return joined([element("h3", "Boxes of each class"), table(head, rows)])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"
