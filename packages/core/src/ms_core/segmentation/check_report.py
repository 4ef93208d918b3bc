"""A check's result on the terminal: pixels and pictures of each class, then one line for each fault."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ms_core.data.check_report import print_problems
from ms_core.segmentation.check import SegmentationReport, SegmentationSplit


def print_segmentation_report(report: SegmentationReport, console: Console, limit: int = 50) -> None:
    """Print the report; at most `limit` faults of each severity (0 prints all)."""
    if report.splits:
        console.print(class_table(report))
    print_problems(report, console, limit)


def class_table(report: SegmentationReport) -> Table:
    """Share of the counted pixels, and pictures, of each class in each split."""
    table = Table(title="Pixels / pictures of each class")
    table.add_column("class", no_wrap=True)
    for split in report.splits:
        table.add_column(split.name, justify="right", no_wrap=True)
    counted = any(split.counts is not None for split in report.splits)
    for label, name in enumerate(report.classes if counted else ()):
        table.add_row(escape(name), *(_cell(split, label) for split in report.splits))
    table.add_section()
    table.add_row("ignored pixels", *(_ignored(split) for split in report.splits))
    table.add_row("pictures", *(str(split.images) for split in report.splits))
    table.add_row("sizes", *(_sizes(split) for split in report.splits))
    return table


def _cell(split: SegmentationSplit, label: int) -> str:
    if split.counts is None or not split.counts.pixels[label]:
        return "-" if split.counts is None else "none"
    return f"{_percent(float(split.counts.shares[label]))} / {split.counts.images[label]}"


def _ignored(split: SegmentationSplit) -> str:
    if split.counts is None:
        return "-"
    total = int(split.counts.pixels.sum()) + split.counts.ignored
    return _percent(split.counts.ignored / max(total, 1))


def _percent(share: float) -> str:
    """`12.3 %`; two digits that mean something also below a tenth of a per cent."""
    return f"{100 * share:.1f} %" if share >= 0.0995 else f"{100 * share:.2g} %"


def _sizes(split: SegmentationSplit) -> str:
    if split.sizes is None:
        return "-"
    smallest, largest = (f"{width}x{height}" for width, height in split.sizes)
    return smallest if smallest == largest else f"{smallest} to {largest}"
