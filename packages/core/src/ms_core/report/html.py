"""Pieces of a page. Whatever is not `Html` already is escaped, so no name can break out of its place."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

_VOID = frozenset({"img", "meta", "br", "hr"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def escaped(value: object) -> Html:
    """`value` as text in a page or in an attribute; Html stays as it is."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=True))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """`<tag attributes>children</tag>`.

    Args:
        children: Html, or text that is escaped; None is left out.
        attributes: `class_` stands for class, `aria_label` for aria-label; None leaves the attribute out.
    """
    words = [
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    ]
    start = f"<{tag}{''.join(words)}>"
    if tag in _VOID:
        return Html(start)
    return Html(f"{start}{joined(children)}</{tag}>")


def joined(children: Iterable[object]) -> Html:
    """One after the other; None is left out."""
    return Html("".join(escaped(child) for child in children if child is not None))


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    words: frozenset[int] = frozenset({0}),
    class_: str | None = None,
) -> Html:
    """A table that scrolls sideways where the screen is narrow.

    Args:
        words: columns with words, set left; the others hold numbers, set right.
    """
    header = element(
        "tr", *(element("th", cell, scope="col", class_=_side(i, words)) for i, cell in enumerate(head))
    )
    body = [
        element("tr", *(element("td", cell, class_=_side(i, words)) for i, cell in enumerate(row)))
        for row in rows
    ]
    whole = element("table", element("thead", header), element("tbody", *body), class_=class_)
    return element("div", whole, class_="scroll")


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Names and values, one pair a line."""
    rows = [
        joined((element("dt", name), element("dd", value)))
        for name, value in pairs
        if value not in (None, "")
    ]
    return element("dl", *rows, class_="facts")


def bar(share: float, colour: str = "var(--series-0)") -> Html:
    """A bar as long as `share`, 0-1, of its column."""
    width = 100 * min(max(share, 0.0), 1.0)
    return element("span", class_="bar", style=f"--length:{width:.1f}%;--tint:{colour}")


def with_chip(name: str, colour: Sequence[int] | None) -> Html:
    """A name behind a small square of its colour, RGB 0-255; None: it has none."""
    if colour is None:
        return escaped(name)
    red, green, blue = (int(part) for part in colour)
    chip = element("span", class_="swatch", style=f"--tint:rgb({red},{green},{blue})")
    return element("span", chip, element("span", name), class_="named")


def key(entries: Iterable[tuple[str, str]]) -> Html | None:
    """A legend: (label, colour) each; None where there is nothing to tell apart."""
    items = [
        element("li", element("span", class_="swatch", style=f"--tint:{colour}"), label)
        for label, colour in entries
    ]
    return element("ul", *items, class_="key") if items else None


def diagram(title: str, svg: Html, entries: Iterable[tuple[str, str]], caption: object) -> Html:
    """A diagram under its title, with its legend."""
    return figure(joined([element("h3", title), key(entries), svg]), caption)


def figure(content: Html, caption: object, class_: str | None = None) -> Html:
    """A picture or diagram with a line below it."""
    return element("figure", content, element("figcaption", caption) if caption else None, class_=class_)


def jpeg_element(content: bytes, width: int, height: int, alt: str) -> Html:
    """A JPEG inside the page."""
    source = "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
    return element("img", src=Html(source), alt=alt, width=width, height=height, loading="lazy")


def number(value: object, digits: int = 3) -> str:
    """A share or metric as text; a dash where nothing could be measured."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value != value or value < 0:
        return "–"
    return f"{value:.{digits}f}"


def percent(part: float, whole: float, digits: int = 0) -> str:
    """A share in percent, as wide as any other below 100 so that bars before it line up; a dash without a whole."""
    if not whole:
        return "–"
    width = 3 + digits if digits else 2
    return f"{100 * part / whole:.{digits}f}".rjust(width, "\N{FIGURE SPACE}") + " %"


def count(value: object) -> str:
    """A whole number with thin spaces between thousands; a dash where there is none."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if isinstance(value, int) else "–"


def _side(column: int, words: frozenset[int]) -> str | None:
    return None if column in words else "number"
