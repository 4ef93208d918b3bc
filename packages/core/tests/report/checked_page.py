"""Follows the tags of a page, and refuses what is not closed in itself."""

from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Checker(HTMLParser):
    """Follows the tags: what is not closed, which ids there are, what is loaded from where."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.unnamed: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}, line {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def _note(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attributes.items() if name == "id" and value]
        self.links += [value for name, value in attributes.items() if name.endswith("href") and value]
        self.loaded += [
            value for name, value in attributes.items() if name in ("src", "srcset", "data") and value
        ]
        named = attributes.get("alt") if tag == "img" else attributes.get("aria-label")
        if tag in ("img", "svg") and not named:
            self.unnamed.append(tag)


def checked(path: Path) -> Checker:
    checker = Checker()
    checker.feed(path.read_text(encoding="utf-8"))
    checker.close()
    assert checker.faults == []
    assert checker.open == []
    assert checker.unnamed == []
    assert len(checker.ids) == len(set(checker.ids))
    assert all(source.startswith("data:image/jpeg;base64,") for source in checker.loaded)
    assert all(link.startswith("#") and link[1:] in checker.ids for link in checker.links)
    assert not {"script", "link", "iframe", "object", "embed"} & set(checker.tags)
    return checker
