"""Fonts for class names: never an empty box where a letter should be."""

import logging
from pathlib import Path

import pytest
from ms_core import label_font as fonts
from PIL import ImageFont


@pytest.fixture(autouse=True)
def _fresh() -> None:
    fonts._fitting.cache_clear()


def test_ascii_and_accents_are_written_as_they_are() -> None:
    for name in ("person", "traffic light", "Füßgänger", "Łódź", "Кошка", "Ωμέγα"):
        font, written = fonts.label_font(name, 20)
        if font.getname()[0] != "Aileron":  # Pillow's own: no other font is on this machine
            assert written == name
        assert all(fonts._draws(_source_of(font), character) for character in written)


def _source_of(font: ImageFont.FreeTypeFont) -> str:
    return font.path if isinstance(font.path, str) else ""


def test_without_fonts_names_are_spelled_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fonts, "_sources", lambda: iter([""]))
    with caplog.at_level(logging.WARNING):
        assert fonts.label_font("Füßgänger", 20)[1] == "Fu U+00DF ganger"
        assert fonts.label_font("猫 cat", 20)[1] == "U+732B cat"
        fonts.label_font("猫 cat", 30)
    assert len(caplog.records) == 2, "one warning for each name"
    assert "MS_CORE_FONT" in caplog.text


def test_a_named_font_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = [source for source in fonts._packaged() if Path(source).is_file()]
    if not packaged:
        pytest.skip("no font file comes with the installed packages")
    named = next(p for p in map(str, Path(packaged[0]).parent.glob("*.ttf")) if p not in packaged)
    monkeypatch.setenv(fonts.FONT_VARIABLE, named)
    assert fonts.label_font("cat", 20)[0].path == named


def test_a_named_font_that_is_not_there_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fonts.FONT_VARIABLE, "no-such-font.ttf")
    assert fonts.label_font("cat", 20)[1] == "cat"


def test_line_breaks_become_spaces() -> None:
    assert fonts.label_font("two\nlines", 20)[1] == "two lines"
