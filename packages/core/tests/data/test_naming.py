"""File names made from image paths."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ms_core.data.naming import safe_file_name, unique_stems


@pytest.mark.parametrize(
    ("paths", "stems"),
    [
        (["a.jpg", "b.jpg"], ["a", "b"]),
        (["x/a.jpg", "y/a.jpg"], ["x_a", "y_a"]),
        (["x/a.jpg", "x/a.png"], ["x_a", "x_a-2"]),
        (["x/a.jpg", "x/A.png", "x_a.jpg"], ["x_a-2", "x_A-3", "x_a"]),
    ],
)
def test_short_where_possible(paths, stems):
    assert unique_stems([Path(path) for path in paths]) == stems


@given(st.lists(st.text("aA_-2/", min_size=1, max_size=6).filter(lambda text: text.strip("/")), max_size=12))
def test_never_two_alike(names):
    stems = unique_stems([Path(name) for name in names])
    assert len({stem.casefold() for stem in stems}) == len(names)


@pytest.mark.parametrize(("text", "name"), [("a:b?.", "a_b_"), ("..", "_"), ("плата 1", "плата 1")])
def test_names_that_every_system_allows(text, name):
    assert safe_file_name(text) == name
