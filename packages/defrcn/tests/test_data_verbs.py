"""`ms-defrcn data fewshot` from the command line; the other verbs are the core's."""

import json
from collections import Counter
from pathlib import Path

import pytest
from labelled_sets import write_coco
from ms_core.data.config import DetectionDataConfig
from ms_defrcn.cli import main
from ms_defrcn.config import DeFRCNConfig, FewShotConfig
from ms_defrcn.stage_data import open_shots

NAMES = ("ant", "hot dog")
PICTURES = {f"{n}.jpg": ("ant", "hot dog", "ant") for n in range(5)}


@pytest.fixture
def words(tmp_path):
    file = write_coco(tmp_path / "photos" / "ann.json", PICTURES, NAMES)
    return ["data", "fewshot", "--data.train", str(file), "--fewshot.novel-classes", "[hot dog]"]


def objects(config, **changes):
    """(class, picture, box) of every object that fine-tuning sees."""
    fewshot = FewShotConfig(novel_classes=("hot dog",), classes="all", **changes)
    drawn = open_shots(DeFRCNConfig(data=config, fewshot=fewshot))
    return {
        (name, shot.path.resolve(), tuple(shot.boxes[0].tolist()))
        for name, shots in zip(drawn.classes, drawn.shots, strict=True)
        for shot in shots
    }


def test_a_file_of_drawn_objects_gives_what_drawing_gives(words, tmp_path, capsys):
    out = tmp_path / "lists" / "3shots.json"
    assert main([*words, "--fewshot.shots", "3", "--fewshot.shots-seed", "4", "--out", str(out)]) == 0
    assert "3 shots of 2 classes" in capsys.readouterr().out
    content = json.loads(out.read_text("utf-8"))
    assert Counter(a["category_id"] for a in content["annotations"]) == {1: 3, 4: 3}
    assert "seed 4" in content["info"]["description"]
    data = DetectionDataConfig(train=words[3])
    drawn = objects(data, shots=3, shots_seed=4)
    assert objects(data, shots=3, shots_seed=9, shots_from=str(out)) == drawn
    assert main([*words, "--fewshot.shots", "3", "--out", str(out)]) == 2
    assert "is already there" in capsys.readouterr().err
    assert main([*words, "--fewshot.shots", "3", "--out", str(out), "--overwrite"]) == 0


def test_a_folder_laid_out_as_cocosplit(words, tmp_path):
    out = tmp_path / "cocosplit"
    assert main([*words, "--shots", "1", "2", "--seeds", "0-2", "--to", "cocosplit", "--out", str(out)]) == 0
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.json"))
    assert len(files) == 12
    assert "seed2/full_box_2shot_hot dog_trainval.json" in files
    data = DetectionDataConfig(train=words[3])
    for seed in range(3):
        expected = objects(data, shots=2, shots_seed=seed)
        assert objects(data, shots=2, shots_seed=seed, shots_from=str(out)) == expected


def test_paths_start_from_the_folder_of_the_pictures(words, tmp_path):
    photos = Path(words[3]).parent
    out = tmp_path / "shots.json"
    assert main([*words, "--data.images", str(photos), "--fewshot.shots", "1", "--out", str(out)]) == 0
    names = {image["file_name"] for image in json.loads(out.read_text("utf-8"))["images"]}
    assert names <= set(PICTURES)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--fewshot.shots", "0"], "0 shots: at least 1 is needed"),
        (["--shots", "3", "-1"], "-1 shots: at least 1 is needed"),
        (["--fewshot.shots", "11"], "class 'ant' has 10 labelled objects, fewer than the 11 shots"),
        (
            ["--fewshot.shots", "1", "--fewshot.base-classes", "[hot dog]"],
            "in base_classes and in novel_classes",
        ),
        (["--shots", "1", "2"], "--to coco: one file holds one draw"),
        (["--shots", "1", "--seeds", "x"], "--seeds"),
    ],
)
def test_wrong_use_is_one_line(words, tmp_path, capsys, more, message):
    assert main([*words, "--out", str(tmp_path / "x.json"), *more]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "x.json").exists()


def test_a_class_name_that_no_file_can_have(tmp_path, capsys):
    file = write_coco(tmp_path / "ann.json", {"a.jpg": ("and/or",)}, ("and/or",))
    words = ["data", "fewshot", "--data.train", str(file), "--shots", "1", "--to", "cocosplit"]
    assert main([*words, "--out", str(tmp_path / "lists")]) == 2
    assert "class 'and/or' cannot be part of a file name" in capsys.readouterr().err


def test_check_takes_two_sources(words, tmp_path, capsys):
    other = write_coco(tmp_path / "more" / "ann.json", {"z.jpg": ("ant",)}, NAMES)
    assert main(["data", "check", "--quick", "--data.train", f"{words[3]},{other}"]) in (0, 2)
    assert "16" in capsys.readouterr().out  # boxes
