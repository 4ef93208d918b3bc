"""Files and lists of classes."""

from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.segmentation.classes import load_mask_classes
from ms_core.segmentation.palette import default_palette


def test_a_list_gets_the_usual_colours() -> None:
    classes = load_mask_classes(["background", "traffic light"])
    assert classes.names == ("background", "traffic light")
    assert not classes.coloured
    assert (classes.palette == default_palette(2)).all()


@pytest.mark.parametrize(
    "text",
    [
        "sky 128 128 128\ntraffic light 0 128 64\n",
        "name,r,g,b\nsky,128,128,128\ntraffic light, 0, 128, 64\n",
        "# CamVid's own\n\n128 128 128 sky\n0 128 64\ttraffic light\n",
        "\ufeffsky;128;128;128\r\ntraffic light;0;128;64\r\n",
    ],
)
def test_files_with_colours(tmp_path: Path, text: str) -> None:
    path = tmp_path / "classes.txt"
    path.write_text(text, encoding="utf-8")
    classes = load_mask_classes(path)
    assert classes.names == ("sky", "traffic light")
    assert classes.palette.tolist() == [[128, 128, 128], [0, 128, 64]]
    assert classes.coloured


def test_colours_that_count_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("cat 1 2 3\nignore 224 224 192\nIgnore 0 0 0\n")
    classes = load_mask_classes(path)
    assert (classes.names, classes.ignored) == (("cat",), ((224, 224, 192), (0, 0, 0)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb\na\n", r"classes.txt: class 'a' occurs twice"),
        ("# nothing\n", "no class names"),
        ("a 1 2 3\nb\n", "class 'b' has no colour, but others have"),
        ("a 1 2 3\nb 1 2 3\n", "classes 'a' and 'b' have the same colour 1 2 3"),
        ("a 1 2 300\n", "line 1: colour 1 2 300 is not within 0-255"),
        ("\n".join(f"c{i}" for i in range(255)), "255 classes; masks of 8 bits hold at most 254"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        load_mask_classes(path)


def test_other_order_keeps_colours(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("a 1 1 1\nb 2 2 2\n")
    turned = load_mask_classes(path).named(["b", "new", "a"])
    assert turned.palette[[0, 2]].tolist() == [[2, 2, 2], [1, 1, 1]]
