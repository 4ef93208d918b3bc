"""Pieces of a page: nothing that is put in can break out."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from ms_core.report import html

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=40)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs).get("title")))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(text=ANY_TEXT, attribute=ANY_TEXT)
def test_any_text_stays_text(text: str, attribute: str) -> None:
    reader = Reader()
    reader.feed(html.element("p", text, title=attribute))
    reader.close()
    assert reader.seen == [("p", attribute)]
    assert reader.text == text


def test_html_is_not_escaped_twice_and_none_is_left_out() -> None:
    inner = html.element("b", "a & b")
    assert html.element("p", inner, None, 3, class_="x", id=None) == '<p class="x"><b>a &amp; b</b>3</p>'
    assert html.element("img", src="data:,", alt="") == '<img src="data:," alt="">'


def test_tables_set_numbers_right_and_words_left() -> None:
    made = html.table(["class", "AP"], [["<cat>", html.number(0.5)]])
    assert '<td>&lt;cat&gt;</td><td class="number">0.500</td>' in made


def test_numbers() -> None:
    assert [html.number(value) for value in (0.12345, 0.0, -1.0, None, float("nan"))] == [
        "0.123",
        "0.000",
        *"–––",
    ]
    assert html.count(1234567) == "1\u202f234\u202f567"
    assert html.count(None) == "–"
