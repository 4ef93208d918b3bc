"""`data.classes` is a file, or the names themselves: in a recipe and on the command line."""

from pathlib import Path

import pytest
from ms_core.config import load_config, to_yaml
from ms_core.data.classes import load_classes
from ms_core.data.verbs import DataVerbConfig
from ms_core.errors import UserError


def classes(*overrides: str, recipe: Path | None = None) -> str | tuple[str, ...] | None:
    return load_config(DataVerbConfig, recipe=recipe, overrides=overrides).data.classes


def test_on_the_command_line() -> None:
    assert classes("--data.classes", "classes.txt") == "classes.txt"
    assert classes("--data.classes=classes.txt") == "classes.txt"
    assert classes("--data.classes", "[cat, 'a dog', \"no\"]") == ("cat", "a dog", "no")
    assert classes("--data.classes=[cat]") == ("cat",)
    assert classes("--data.classes", "null") is None


def test_a_file_takes_one_word_as_before() -> None:
    with pytest.raises(UserError, match="'more' is not expected here"):
        classes("--data.classes", "classes.txt", "more")


def test_in_a_recipe_and_back(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("data:\n  classes: [cat, a dog]\n", encoding="utf-8")
    config = load_config(DataVerbConfig, recipe=recipe)
    assert config.data.classes == ("cat", "a dog")
    recipe.write_text(to_yaml(config), encoding="utf-8")
    assert load_config(DataVerbConfig, recipe=recipe) == config


def test_names_are_checked_like_those_of_a_file() -> None:
    assert load_classes(("background", "cat")).names == ("cat",)
    with pytest.raises(UserError, match="class 'cat' occurs twice"):
        load_classes(("cat", "cat"))


def test_numbers_are_no_names() -> None:
    with pytest.raises(UserError, match="expected TEXT"):
        classes("--data.classes", "[1, 2]")
