"""What `benchmark` prints and writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from ms_core.atomic import atomic_write
from ms_core.run_folder import console

TITLES = {
    "pipeline": "input pipeline",
    "forward": "forward, batch 1",
    "postprocess": "post-processing",
    "metrics": "metrics, one image",
    "detection": "detection, one picture",
    "train": "training step",
}
"""Parts of a benchmark as the table names them."""
COLUMNS = ("part", "median", "fastest - slowest", "first call", "images/s", "peak memory")


def print_table(result: dict[str, Any]) -> None:
    """A row for each part."""
    table = Table(box=None, pad_edge=False)
    rows = benchmark_rows(result)
    for number, column in enumerate(COLUMNS):
        width = max(len(row[number]) for row in (COLUMNS, *rows))  # a log file has no width to be fitted into
        table.add_column(
            column, justify="left" if column == "part" else "right", no_wrap=True, min_width=width
        )
    for row in rows:
        table.add_row(*row)
    console().print(table, crop=False)


def benchmark_rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """Cells of the table, a row for each part."""
    return [
        (
            TITLES[part],
            _time(values.get("median")),
            "" if "median" not in values else f"{_time(values['fastest'])} - {_time(values['slowest'])}",
            _time(values.get("first")),
            str(values.get("images_per_second", "")),
            "" if values["peak_memory_mb"] is None else f"{values['peak_memory_mb'] / 1024:.2f} GiB",
        )
        for part, values in result["parts"].items()
    ]


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.1f} ms"


def write_benchmark(result: dict[str, Any], path: Path) -> None:
    """All numbers as JSON; a file that is there is replaced when the new one is whole."""
    with atomic_write(path) as file:
        json.dump(result, file, indent=2, ensure_ascii=False)
        file.write("\n")
