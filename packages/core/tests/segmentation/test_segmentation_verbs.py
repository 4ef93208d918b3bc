"""`data check | convert | draw` as a user types them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ms_core.cli import Tool, run
from ms_core.segmentation.verbs import segmentation_data_verb
from PIL import Image

Maker = Callable[..., Path]


def typed(*words: object) -> int:
    return run(Tool("seg", {"data": segmentation_data_verb()}, "0"), ["data", *map(str, words)])


@pytest.fixture
def root(tmp_path: Path, pairs: Maker) -> Path:
    pairs(tmp_path / "set/train", tmp_path / "set/trainannot", 3)
    return tmp_path / "set"


def test_check_of_a_sound_set(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check", "--data.root", root, "--data.classes", "[cat, dog]") == 0
    output = capsys.readouterr().out
    assert "cat" in output
    assert "0 errors, 0 warnings" in output


def test_check_ends_with_2(root: Path, mask: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    mask(root / "trainannot/train0.png", [33])
    assert typed("check", "--data.root", root, "--data.classes", "[cat, dog]", "--limit", 1) == 2
    output = " ".join(capsys.readouterr().out.split())
    assert "train0.png: value 33 (1920 pixels) is no class" in output
    assert typed("check", "--data.root", root, "--data.classes", "[cat]", "--data.ignore", 256) == 2
    assert "ignore: 256 is not within 0-255" in capsys.readouterr().err


def test_check_without_classes_says_what_to_do(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed("check", "--data.root", root) == 2
    output = " ".join(capsys.readouterr().out.split())
    assert "its classes are not known. 3 of its masks hold the values 0, 1. Pass --data.classes" in output


def test_convert(tmp_path: Path, golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "gtFine/val/x"
    folder.mkdir(parents=True)
    sample = golden / "polygon_sample/x_000000_000000_gtFine_polygons.json"
    shutil.copyfile(sample, folder / sample.name)
    words = ("convert", "cityscapes", "--data.root", tmp_path, "--nproc", 1)
    assert typed(*words) == 0
    assert "1 *_labelTrainIds.png written\n" in capsys.readouterr().out
    assert typed(*words, "--to", "labelIds") == 0
    assert len(list(folder.glob("*.png"))) == 2
    assert typed(*words) == 0
    assert "0 *_labelTrainIds.png written, 1 were there" in capsys.readouterr().out
    assert typed("convert", "cityscapes") == 2
    assert "needs --data.root FOLDER" in capsys.readouterr().err


def test_draw(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("draw", "--data.root", root, "--data.classes", "[cat, dog]", "--out", tmp_path / "drawn")
    assert typed(*words, "--count", 2) == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["train0.jpg", "train1.jpg"]
    assert Image.open(tmp_path / "drawn/train0.jpg").width >= 640
    assert typed(*words, "--count", 2) == 2
    assert "is already there" in capsys.readouterr().err
    assert typed(*words, "--count", 0, "--overwrite", "--random") == 0
    assert len(list((tmp_path / "drawn").iterdir())) == 3


def test_draw_never_replaces_pictures_of_the_set(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (root / "train/train0.jpg").read_bytes()
    words = (
        "draw",
        "--data.root",
        root,
        "--data.classes",
        "[cat, dog]",
        "--out",
        root / "train",
        "--overwrite",
    )
    assert typed(*words) == 2
    assert "never drawn over" in capsys.readouterr().err
    assert (root / "train/train0.jpg").read_bytes() == before


def test_draw_asks_for_the_split(root: Path, pairs: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    pairs(root / "val", root / "valannot")
    words = ("draw", "--data.root", root, "--data.classes", "[cat, dog]", "--out", root.parent / "drawn")
    assert typed(*words) == 2
    assert "which split to draw? there are train, val. Pass --split NAME" in capsys.readouterr().err
    assert typed(*words, "--split", "val") == 0
    assert typed("draw", "--out", root.parent / "drawn2") == 2
    assert "there is none" in capsys.readouterr().err
