"""The frame of every figure: made outside pyplot, saved as a file or as SVG that takes the page's colours."""

from __future__ import annotations

import io
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ms_core.atomic import atomic_write
from ms_core.errors import UserError
from ms_core.report.html import Html, escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE, FAINT = "#1d2530", "#667080", "#dfe3e8", "#b9c0c9"
BLUE, ORANGE, GREEN, RED = "#2f5fc4", "#d06a1e", "#1c8f6b", "#cc3d3d"
PURPLE, PINK, OLIVE, TEAL = "#7a55c7", "#b8437f", "#85761a", "#15899c"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, PINK, OLIVE, TEAL, RED)
"""Colours of lines, legible on white; the page has a lighter one of each for dark screens."""
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    FAINT: "--faint",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES)},
}
"""Colour in a figure -> name of the page's colour that replaces it."""


def can_plot() -> bool:
    """Is matplotlib, an extra, installed?"""
    return find_spec("matplotlib") is not None


def new_figure(width: float, height: float) -> Figure:
    """A figure of inches outside pyplot: no window system, nothing global."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UserError('figures: matplotlib is not installed. Run: pip install "ms-core[plots]"') from error
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def save(figure: Figure, path: Path) -> None:
    """Write a picture whole or not at all: .png, .svg or .pdf.

    Raises:
        UserError: another extension, or the file cannot be written.
    """
    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, format=path.suffix.lstrip(".") or None)
    except ValueError as error:
        raise UserError(f"{path}: {path.suffix} is no format for figures. Use .png, .svg or .pdf.") from error
    with atomic_write(path, binary=True) as file:
        file.write(buffer.getvalue())


def inline_svg(figure: Figure, name: str, description: str) -> Html:
    """The figure as an element of a page: its text is text, its colours are the page's.

    Args:
        name: prefix of its ids, unique in the page.
        description: what a reader who cannot see it should know.
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    view = re.search(r'viewBox="([^"]+)"', svg)
    assert view is not None, "matplotlib wrote an SVG without a viewBox"
    content = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    return Html(
        f'<svg viewBox="{view[1]}" role="img" aria-label="{escaped(description)}">{_adapted(content, name)}</svg>'
    )


def _adapted(svg: str, name: str) -> str:
    """Without metadata, with ids of its own and the page's fonts and colours."""
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"(font: [^;\"]*?[\d.]+px) [^;\"]*", r"\1 var(--sans)", svg)
    return re.sub(r"#[0-9a-f]{6}\b", lambda match: page_colour(match[0]), svg)


def frame(axes: Axes, title: str = "", x_label: str = "", y_label: str = "") -> None:
    """Title above, light grid, no box around."""
    axes.set_facecolor("none")
    if title:
        axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(x_label, fontsize=8, color=MUTED)
    axes.set_ylabel(y_label, fontsize=8, color=MUTED)
    axes.tick_params(labelsize=8, colors=MUTED, length=0)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


Corner = Literal["best", "lower left", "lower right", "upper right"]


def show_legend(axes: Axes, location: Corner = "best") -> None:
    """A legend without a box, where anything has a label."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc=location)


def legend_entries(axes: Axes) -> list[tuple[str, str]]:
    """(label, colour of the page) of everything with a label, for a legend outside the diagram."""
    from matplotlib.colors import to_hex

    entries = []
    handle: Any  # a line or a patch, which name their colour differently
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        colour = handle.get_color() if hasattr(handle, "get_color") else handle.get_edgecolor()
        entries.append((label, page_colour(to_hex(colour))))
    return entries


def page_colour(colour: str) -> str:
    """The page's variable for a colour of a figure; other colours stay."""
    name = VARIABLES.get(colour)
    return colour if name is None else f"var({name})"


def round_log_ticks(axes: Axes) -> None:
    """A logarithmic y axis with plain numbers at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
