"""`predict`: pictures in, drawn pictures and a list out."""

import json
import shutil
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_defrcn import calibration_run
from ms_defrcn.config import PcbConfig
from ms_defrcn.predict import predict_target, supported_by
from trained_files import CLASSES, FakeDescriber, checkpoint_file, shapes, small_config


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return shapes(tmp_path_factory.mktemp("shapes") / "set")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return checkpoint_file(tmp_path_factory.mktemp("trained") / "all.ckpt")


@pytest.fixture
def config(data, tmp_path, monkeypatch):
    """Calibration is off, but its weights are there, with a stand-in for the network."""
    monkeypatch.setattr(calibration_run, "open_describer", lambda config, say: FakeDescriber())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights = tmp_path / "resnet101.pth"
    weights.write_bytes(b"read by the stand-in")
    return small_config(data, pcb=PcbConfig(weights=weights, lower=0.0))


@pytest.fixture
def pictures(data) -> list[str]:
    return [str(path) for path in sorted((data / "images").iterdir())[:2]]


def entries(out: Path) -> list[dict]:
    return json.loads((out / "predictions.json").read_text())


def test_pictures_and_a_list(checkpoint, config, pictures, tmp_path, capsys):
    predict_target(checkpoint, config, pictures, tmp_path / "drawn", min_score=0.0)
    printed = capsys.readouterr().out
    assert "scores are not calibrated (PCB off)" in printed
    assert "2 pictures, score > 0: " in printed
    listed = entries(tmp_path / "drawn")
    assert [entry["file"] for entry in listed] == pictures
    for entry in listed:
        assert (tmp_path / "drawn" / entry["drawn"]).stat().st_size > 500
        assert 0 < len(entry["detections"]) <= 10
        assert {found["class"] for found in entry["detections"]} <= set(CLASSES)


def test_only_what_scores_enough_is_shown(checkpoint, config, pictures, tmp_path, capsys):
    predict_target(checkpoint, config, pictures, tmp_path / "drawn", min_score=1.0)
    assert "score > 1: nothing" in capsys.readouterr().out
    assert [entry["detections"] for entry in entries(tmp_path / "drawn")] == [[], []]


def test_labelled_pictures_switch_calibration_on(checkpoint, config, data, pictures, tmp_path, capsys):
    support = tmp_path / "support"
    shutil.copytree(data, support)
    predict_target(checkpoint, config, pictures, tmp_path / "plain", min_score=0.0)
    predict_target(
        checkpoint, config, pictures, tmp_path / "drawn", min_score=0.0, support=str(support / "val.json")
    )
    assert f"labelled objects of {support / 'val.json'}" in capsys.readouterr().out

    def scores(out: str, novel: bool) -> list[float]:
        return sorted(
            found["score"]
            for entry in entries(tmp_path / out)
            for found in entry["detections"]
            if (found["class"] == "triangle") is novel
        )

    assert scores("drawn", False) == scores("plain", False)
    assert scores("drawn", True) == pytest.approx([(s + 1) / 2 for s in scores("plain", True)], abs=1e-4)
    assert len(scores("drawn", True)) > 0


def test_the_support_set_replaces_the_shots_of_the_training(config):
    changed = supported_by(config, "few/ann.json")
    assert changed.pcb.enabled
    assert (changed.fewshot.shots_from, changed.fewshot.shots) == ("few/ann.json", 0)
    assert changed.data.images is None


def test_a_novel_class_that_the_support_set_lacks_is_named(checkpoint, config, data, pictures, tmp_path):
    content = json.loads((data / "train.json").read_text())
    (triangle,) = (c["id"] for c in content["categories"] if c["name"] == "triangle")
    content["annotations"] = [a for a in content["annotations"] if a["category_id"] != triangle]
    labelled = {a["image_id"] for a in content["annotations"]}
    content["images"] = [image for image in content["images"] if image["id"] in labelled]
    shutil.copytree(data / "images", tmp_path / "images")
    (tmp_path / "few.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"few\.json: class 'triangle' has no labelled object") as error:
        predict_target(checkpoint, config, pictures, tmp_path / "out", support=str(tmp_path / "few.json"))
    assert "\n" not in str(error.value)


def test_faulty_wishes_are_refused_before_anything_is_built(config, pictures, tmp_path):
    nowhere = tmp_path / "none.ckpt"
    with pytest.raises(UserError, match=r"--min-score 1\.5: is not within 0-1"):
        predict_target(nowhere, config, pictures, tmp_path / "out", min_score=1.5)
    with pytest.raises(UserError, match="no such picture"):
        predict_target(nowhere, config, [str(tmp_path / "none.jpg")], tmp_path / "out")
    with pytest.raises(UserError, match=r"none\.ckpt: no such checkpoint"):
        predict_target(nowhere, config, pictures, tmp_path / "out")
    assert not (tmp_path / "out").exists()
