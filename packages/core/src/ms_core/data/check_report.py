"""A check's result on the terminal: the class histogram, then one line for each fault."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ms_core.data.check import CheckReport, SplitSummary
from ms_core.data.problems import ProblemList


def print_report(report: CheckReport, console: Console, limit: int = 50) -> None:
    """Print the report; at most `limit` faults of each severity (0 prints all)."""
    if report.splits:
        console.print(histogram(report))
    print_problems(report, console, limit)


def print_problems(report: ProblemList, console: Console, limit: int = 50) -> None:
    """A line for each fault, at most `limit` of each severity (0 prints all), and how many there are."""
    for severity, style in (("error", "red"), ("warning", "yellow")):
        problems = [problem for problem in report.problems if problem.severity == severity]
        shown = problems[:limit] if limit else problems
        for problem in shown:
            console.print(f"[{style}]{severity}[/]: {escape(str(problem))}", soft_wrap=True, highlight=False)
        if len(shown) < len(problems):
            console.print(f"... and {len(problems) - len(shown)} more (--limit 0 shows all)", highlight=False)
    errors, warnings = len(report.errors), len(report.warnings)
    console.print(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}", highlight=False)


def histogram(report: CheckReport) -> Table:
    """Boxes of each class in each split, with the images below."""
    table = Table(title="Boxes of each class")
    table.add_column("class")
    for split in report.splits:
        table.add_column(split.name, justify="right")
    for label, name in enumerate(report.classes):
        table.add_row(escape(name), *(_boxes(split, label) for split in report.splits))
    table.add_section()
    table.add_row("all boxes", *(str(sum(split.boxes)) for split in report.splits))
    table.add_row("images", *(str(split.images) for split in report.splits))
    table.add_row("images without a box", *(str(split.empty) for split in report.splits))
    return table


def _boxes(split: SplitSummary, label: int) -> str:
    """Boxes of one class; splits opened with other classes (none were given) may have fewer of them."""
    return str(split.boxes[label]) if label < len(split.boxes) else "-"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
