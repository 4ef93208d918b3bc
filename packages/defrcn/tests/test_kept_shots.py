"""A fine-tuning keeps its labelled objects, and calibration uses them whatever becomes of the data."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from ms_core.config import load_config
from ms_core.data.sample import Sample
from ms_defrcn.cli import main
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.kept_shots import NAME, with_kept_shots
from ms_defrcn.support import support_boxes


@pytest.fixture
def tuned(demo_run: Path) -> Path:
    return demo_run / "fewshot-gdl-seed0"


@pytest.fixture
def config(tuned: Path) -> DeFRCNConfig:
    return load_config(DeFRCNConfig, recipe=tuned / "config.yaml")


def places(shots: Iterable[Sample]) -> list[tuple[Path, list[float]]]:
    """Picture and box of every object."""
    return sorted((shot.path.resolve(), shot.boxes[0].tolist()) for shot in shots)


def test_a_run_keeps_what_it_was_trained_on(config: DeFRCNConfig, tuned: Path) -> None:
    drawn, kept = support_boxes(config), support_boxes(with_kept_shots(config, tuned))
    assert (kept.classes, kept.source) == (drawn.classes, tuned / NAME)
    assert [places(shots) for shots in kept.shots] == [places(shots) for shots in drawn.shots]
    assert [len(shots) for shots in kept.shots] == [5, 5]


def test_another_draw_or_other_data_is_obeyed(config: DeFRCNConfig, tuned: Path) -> None:
    for other in (
        replace(config, fewshot=replace(config.fewshot, shots_seed=7)),
        replace(config, fewshot=replace(config.fewshot, shots_from="mine.json")),
        replace(config, data=replace(config.data, train="other.json")),
    ):
        assert with_kept_shots(other, tuned) is other


def test_a_checkpoint_outside_a_run_has_none(config: DeFRCNConfig, tmp_path: Path) -> None:
    assert with_kept_shots(config, tmp_path / "model.ckpt") is config


def test_base_training_keeps_none(demo_run: Path) -> None:
    assert not (demo_run / "base" / NAME).exists()


def test_eval_calibrates_by_them_when_the_annotations_have_changed(
    tuned: Path, config: DeFRCNConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = Path(config.data.train or "")
    before = annotations.read_text(encoding="utf-8")
    content = json.loads(before)
    content["annotations"] = content["annotations"][:3]
    annotations.write_text(json.dumps(content), encoding="utf-8")
    try:
        assert main(["eval", str(tuned), "--pcb", "on", "--out", str(tmp_path / "out")]) == 0
    finally:
        annotations.write_text(before, encoding="utf-8")
    assert f"by 10 labelled objects of {tuned / NAME}" in capsys.readouterr().out


def test_pcb_off_and_a_support_set_exclude_each_other(
    tuned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(tuned), "a.jpg", "--pcb", "off", "--support", "few.json", "--out", "drawn"]
    assert main(words) == 2
    assert "--support: names objects to calibrate by, but --pcb off asks for none" in capsys.readouterr().err
