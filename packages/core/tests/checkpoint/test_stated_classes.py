"""Class names and colours in PyTorch files of OpenMMLab's family."""

from pathlib import Path
from typing import Any

import pytest
from ms_core.checkpoint import read_weights
from ms_core.checkpoint.stated_classes import StatedClasses, find_classes

FILES = Path(__file__).parent / "files"


def test_a_file_that_torch_wrote() -> None:
    assert read_weights(FILES / "mmcv.pth").classes == StatedClasses(("a", "b"))
    assert read_weights(FILES / "training.pth").classes == StatedClasses()


@pytest.mark.parametrize(
    "meta",
    [
        {"CLASSES": ["road", "Straße"], "PALETTE": [[1, 2, 3], (4, 5, 255)]},
        {
            "dataset_meta": {"classes": ("road", "Straße"), "palette": [[1, 2, 3], [4, 5, 255]]},
            "CLASSES": "none",
        },
    ],
    ids=["mmcv", "mmengine"],
)
def test_names_and_colours(meta: dict[str, Any]) -> None:
    found = find_classes({"state_dict": {}, "meta": meta})
    assert found == StatedClasses(("road", "Straße"), ((1, 2, 3), (4, 5, 255)))


@pytest.mark.parametrize(
    "names", [None, (), "road", ("road", 3), ("road", ""), ("road", "a\nb"), ("road", "x" * 201), {"road": 0}]
)
def test_what_is_not_plain_text_is_passed_over(names: Any) -> None:
    assert find_classes({"meta": {"CLASSES": names, "PALETTE": [[0, 0, 0]] * 2}}) == StatedClasses()


@pytest.mark.parametrize(
    "palette",
    [None, [[1, 2, 3]], [[1, 2], [3, 4]], [[1, 2, 256], [0, 0, 0]], [[1, 2, True], [0, 0, 0]], "ab"],
)
def test_colours_that_are_none(palette: Any) -> None:
    assert find_classes({"meta": {"CLASSES": ["a", "b"], "PALETTE": palette}}) == StatedClasses(("a", "b"))


@pytest.mark.parametrize("value", [None, 3, {}, {"meta": None}, {"meta": []}, {"meta": {"dataset_meta": 3}}])
def test_no_meta(value: Any) -> None:
    assert find_classes(value) == StatedClasses()
