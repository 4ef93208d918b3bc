"""`eval` from a checkpoint to the files of its folder, with and without calibration."""

import json
import re
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_defrcn import calibration_run
from ms_defrcn.config import PcbConfig
from ms_defrcn.evaluation_run import Evaluation, evaluate_target
from trained_files import FakeDescriber, checkpoint_file, shapes, small_config


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return shapes(tmp_path_factory.mktemp("shapes") / "set")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return checkpoint_file(tmp_path_factory.mktemp("trained") / "all.ckpt")


@pytest.fixture
def describer(monkeypatch, tmp_path) -> FakeDescriber:
    """In place of the network of 44 million parameters."""
    describer = FakeDescriber()
    monkeypatch.setattr(calibration_run, "open_describer", lambda config, say: describer)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return describer


@pytest.fixture
def calibrated(data, tmp_path):
    weights = tmp_path / "resnet101.pth"
    weights.write_bytes(b"read by the stand-in")
    return small_config(data, pcb=PcbConfig(enabled=True, weights=weights, lower=0.0))


def test_numbers_of_base_novel_and_all_classes(checkpoint, data, tmp_path, capsys):
    numbers = evaluate_target(checkpoint, small_config(data), "val", tmp_path / "eval")
    printed = capsys.readouterr().out.splitlines()
    assert "scores are not calibrated (PCB off)" in printed
    assert "Per-category bbox AP:" in printed
    assert [line.split()[0] for line in printed if re.match(r" (classes|base|novel|all) ", line)] == [
        "classes",
        "base",
        "novel",
        "all",
    ]
    assert printed[-1] == f"mAP: {numbers.coco.ap:.3f}"
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert metrics["images"] == 3
    assert {"nAP", "nAP50", "nAP75", "bAP", "bAP50", "bAP75"} <= metrics.keys()
    assert metrics["pcb"] == "scores are not calibrated (PCB off)"
    results = json.loads((tmp_path / "eval" / "predictions.json").read_text())
    assert {entry["category_id"] for entry in results} <= {1, 2, 3}
    assert 0 < len(results) <= 30


def test_calibration_is_said_and_changes_only_novel_scores(
    checkpoint, data, calibrated, describer, tmp_path, capsys
):
    evaluation = Evaluation(checkpoint, calibrated, "val")
    evaluation.measure(False, tmp_path / "off")
    capsys.readouterr()
    evaluation.measure(True, tmp_path / "on")
    printed = capsys.readouterr().out
    assert re.search(
        r"1 novel classes are calibrated \(PCB on, alpha 0\.5\) by 1 labelled objects of ", printed
    )

    def scores(folder: str, novel: bool) -> list[float]:
        results = json.loads((tmp_path / folder / "predictions.json").read_text())
        return sorted(r["score"] for r in results if (r["category_id"] == 3) is novel)

    assert scores("on", False) == scores("off", False)
    assert scores("on", True) == pytest.approx([(score + 1) / 2 for score in scores("off", True)], abs=1e-4)
    assert len(scores("on", True)) > 0


def test_prototypes_are_computed_once(checkpoint, calibrated, describer, tmp_path):
    for name in ("one", "two"):
        evaluate_target(checkpoint, calibrated, "val", tmp_path / name)
    files = list((tmp_path / "cache").rglob("prototypes-*.npz"))
    assert len(files) == 1
    pictures = describer.pictures
    evaluate_target(checkpoint, calibrated, "val", tmp_path / "three")
    assert describer.pictures - pictures <= 3  # those evaluated alone


def test_a_network_without_novel_classes_has_nothing_to_calibrate(data, calibrated, tmp_path):
    base = checkpoint_file(tmp_path / "base.ckpt", ("circle", "square"), "base")
    with pytest.raises(UserError, match="knows no novel class, so there is nothing to calibrate") as error:
        evaluate_target(base, calibrated, "val", tmp_path / "eval")
    assert "\n" not in str(error.value)


def test_a_novel_network_is_measured_on_every_picture_by_its_classes_alone(data, tmp_path):
    novel = checkpoint_file(tmp_path / "novel.ckpt", ("triangle",), "novel")
    numbers = evaluate_target(novel, small_config(data), "val", tmp_path / "eval")
    assert numbers.coco.images == 3
    assert numbers.base is None
    assert [score.name for score in numbers.coco.classes] == ["triangle"]


def test_calibration_without_weights(checkpoint, data, tmp_path):
    config = small_config(data, pcb=PcbConfig(enabled=True))
    with pytest.raises(UserError, match=r"^pcb\.weights: "):
        evaluate_target(checkpoint, config, "val", tmp_path / "eval")
