"""`ms-core data check|convert|draw` from the command line."""

from pathlib import Path

import pytest
from ms_core.cli import main
from ms_core.data.images import read_image


@pytest.fixture
def boards(tmp_path, picture, voc_page) -> Path:
    """VOC XML beside the images, as in the old transfer-learning guide."""
    for seed, stem in enumerate(("a", "b", "c d")):
        picture(tmp_path / "photos" / f"{stem}.jpg", seed=seed)
        voc_page(tmp_path / "photos" / f"{stem}.xml", f"{stem}.jpg", [("ESP8266", (1, 2, 30, 40))])
    return tmp_path / "photos"


def test_check_says_what_is_there_and_ends_with_zero(boards, capsys):
    assert main(["data", "check", "--data.train", str(boards)]) == 0
    printed = capsys.readouterr().out
    assert "ESP8266" in printed
    assert "0 errors, 0 warnings" in printed


def test_check_ends_with_two_on_errors(boards, capsys):
    (boards / "b.jpg").unlink()
    assert main(["data", "check", "--data.train", str(boards), "--batch-size", "8", "--quick"]) == 2
    printed = capsys.readouterr().out
    assert "b.jpg" in printed
    assert "fewer than 1 devices x batch 8" in printed


def test_convert_replaces_the_old_xml_to_txt_script(boards, capsys):
    out = boards / "train.txt"
    words = ["data", "convert", "--data.train", str(boards), "--to", "txt", "--out", str(out)]
    assert main(words) == 0
    assert out.read_text("utf-8").splitlines()[2] == "c d.jpg 0,1,30,40,1"
    assert (boards / "classes.txt").read_text("utf-8") == "ESP8266\n"
    assert "3 images, 3 boxes, 1 classes" in capsys.readouterr().out
    assert main(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    check = [
        "--data.train",
        str(out),
        "--data.images",
        str(boards),
        "--data.classes",
        str(boards / "classes.txt"),
    ]
    assert main(["data", "check", *check]) == 0


def test_draw(boards, tmp_path, capsys):
    out = tmp_path / "drawn"
    assert main(["data", "draw", "--data.train", str(boards), "--out", str(out), "--count", "2"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg", "b.jpg"]
    drawn, plain = read_image(out / "a.jpg").astype(int), read_image(boards / "a.jpg").astype(int)
    assert drawn.shape == plain.shape
    assert abs(drawn - plain).max() > 60
    assert main(["data", "draw", "--data.train", str(boards), "--out", str(out), "--count", "2"]) == 2
    words = ["--out", str(tmp_path / "random"), "--count", "1", "--random", "--seed", "3"]
    assert main(["data", "draw", "--data.train", str(boards), *words]) == 0
    assert len(list((tmp_path / "random").iterdir())) == 1


def test_draw_never_replaces_a_photo(boards, tmp_path, capsys):
    before = {path: path.read_bytes() for path in boards.iterdir()}
    words = ["data", "draw", "--data.train", str(boards), "--overwrite", "--out"]
    (tmp_path / "other").mkdir()
    for out in (boards, tmp_path / "other" / ".." / "photos"):
        assert main([*words, str(out)]) == 2
        error = capsys.readouterr().err
        assert str(out / "a.jpg") in error
        assert "never drawn over" in error
    assert {path: path.read_bytes() for path in boards.iterdir()} == before
    for _ in range(2):
        assert main([*words, str(tmp_path / "drawn")]) == 0  # its own drawings it does replace


def test_draw_sees_photos_through_links_and_those_it_does_not_draw(boards, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    try:
        (out / "a.jpg").symlink_to(boards / "b.jpg")
    except OSError as error:
        pytest.skip(f"no links here: {error}")
    words = ["data", "draw", "--data.train", str(boards), "--overwrite", "--count", "1", "--out", str(out)]
    assert main(words) == 2
    assert "never drawn over" in capsys.readouterr().err


def test_threads_of_a_check(boards, capsys):
    assert main(["data", "check", "--data.train", str(boards), "--data.workers", "2"]) == 0
    assert main(["data", "check", "--data.train", str(boards), "--data.workers", "-1"]) == 2
    assert "--data.workers -1: must be at least 0" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--data.train", "x", "--data.val", "y"]])
def test_convert_wants_one_split(words, capsys):
    assert main(["data", "convert", *words, "--to", "txt", "--out", "o.txt"]) == 2
    assert "one of --data.train, --data.val and --data.test is needed" in capsys.readouterr().err


def test_errors_are_one_line(tmp_path, capsys):
    assert main(["data", "check", "--data.train", str(tmp_path / "nowhere")]) == 2
    assert str(tmp_path / "nowhere") in capsys.readouterr().out
    assert main(["data", "draw", "--data.val", str(tmp_path / "nowhere"), "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no such file or folder" in error
