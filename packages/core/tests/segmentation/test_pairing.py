"""Pictures find their masks by name, or the user hears which do not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ms_core.data.problems import Problems
from ms_core.errors import UserError
from ms_core.segmentation.pairing import Pairs, pair_folders

Maker = Callable[..., Path]


@pytest.fixture
def pair(tmp_path: Path, picture: Maker, mask: Maker) -> Callable[..., dict[str, str]]:
    """Writes files, pairs them, and gives names of masks by names of pictures."""

    def run(images: list[str], masks: list[str], folder: str = "masks") -> dict[str, str]:
        for name in images:
            picture(tmp_path / "images" / name)
        for name in masks:
            mask(tmp_path / folder / name)
        found = pair_folders(tmp_path / "images", tmp_path / folder, Problems())
        return {
            s.image.relative_to(tmp_path / "images").as_posix(): s.mask.name for s in found.samples if s.mask
        }

    return run


@pytest.mark.parametrize(
    ("image", "file"),
    [
        ("a.jpg", "a.png"),
        ("a.png", "a_gt.png"),
        ("a.jpeg", "a_mask.png"),
        ("a.png", "a_L.png"),
        ("a.PNG", "a_labelTrainIds.png"),
        ("a_leftImg8bit.png", "a_gtFine_labelTrainIds.png"),
        ("a_sat.jpg", "a_mask.png"),
        ("a_image.jpg", "a.png"),
        ("a.b.jpg", "a.b_seg.tif"),
    ],
)
def test_usual_names(pair: Callable[..., dict[str, str]], image: str, file: str) -> None:
    assert pair([image], [file]) == {image: file}


def test_subfolders_and_order(pair: Callable[..., dict[str, str]]) -> None:
    images = ["b/1.jpg", "a/2.jpg", "a/1.jpg", "c.jpg"]
    found = pair(images, ["a/1.png", "a/2_mask.png", "b/1.png", "c.png"])
    assert list(found.items()) == [
        ("a/1.jpg", "1.png"),
        ("a/2.jpg", "2_mask.png"),
        ("b/1.jpg", "1.png"),
        ("c.jpg", "c.png"),
    ]


def test_a_mask_with_the_name_of_another_picture_is_that_ones(pair: Callable[..., dict[str, str]]) -> None:
    assert pair(["a.jpg", "a_L.jpg"], ["a.png", "a_L.png"]) == {"a.jpg": "a.png", "a_L.jpg": "a_L.png"}


def test_names_of_samples_differ(tmp_path: Path, picture: Maker, mask: Maker) -> None:
    for name in ("x/1", "y/1", "2"):
        picture(tmp_path / "images" / f"{name}.jpg")
        mask(tmp_path / "masks" / f"{name}.png")
    found = pair_folders(tmp_path / "images", tmp_path / "masks", Problems())
    assert [sample.name for sample in found.samples] == ["2", "x_1", "y_1"]


def test_two_masks_are_an_error(pair: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(UserError, match=r"a\.jpg: 2 masks could be its own: a\.png, a_mask\.png"):
        pair(["a.jpg"], ["a.png", "a_mask.png"])


def test_missing_masks_are_counted(pair: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(
        UserError, match=r"b\.jpg: no mask named like it in .*masks \(2 of 3 pictures have none\)"
    ):
        pair(["a.jpg", "b.jpg", "c.jpg"], ["a.png"])


def test_empty_folders(tmp_path: Path, pair: Callable[..., dict[str, str]], picture: Maker) -> None:
    with pytest.raises(UserError, match=r"images: no such folder"):
        pair([], [])
    (tmp_path / "images").mkdir()
    with pytest.raises(UserError, match=r"masks: no such folder"):
        pair([], [])
    (tmp_path / "masks").mkdir()
    with pytest.raises(UserError, match=r"images: no pictures in it or its subfolders"):
        pair([], [])
    picture(tmp_path / "masks/a.jpg")
    with pytest.raises(UserError, match=r"masks: no masks in it .* The JPEG files there cannot be masks"):
        pair(["a.jpg"], [])


@pytest.mark.parametrize("ending", ["_mask", ""])
def test_masks_among_the_pictures(pair: Callable[..., dict[str, str]], ending: str) -> None:
    found = pair(["a.jpg", "b.jpg"], [f"a{ending}.png", f"b{ending}.png"], folder="images")
    assert found == {"a.jpg": f"a{ending}.png", "b.jpg": f"b{ending}.png"}


def test_masks_without_a_picture_are_noted(tmp_path: Path, picture: Maker, mask: Maker) -> None:
    picture(tmp_path / "images/a.jpg")
    for name in ("a", "b", "c"):
        mask(tmp_path / f"masks/{name}.png")
    found: Pairs = pair_folders(tmp_path / "images", tmp_path / "masks", Problems())
    assert found.notes == (f"2 of 3 masks in {tmp_path / 'masks'} belong to no picture",)
