"""The whole job on a handful of synthetic pictures, through the command line, as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
from ms_core.checkpoint.read import read_metadata, read_weights
from ms_core.config import load_config
from ms_defrcn.cli import main
from ms_defrcn.config import DeFRCNConfig

from .conftest import SMALL

NOVEL = ["star", "cross"]


@pytest.fixture
def base(demo_run: Path) -> Path:
    return demo_run / "base"


@pytest.fixture
def tuned(demo_run: Path) -> Path:
    return demo_run / "fewshot-gdl-seed0"


def test_base_training_knows_base_classes_alone(base: Path):
    stored = read_metadata(base / "checkpoints" / "last.ckpt")
    assert stored["classes"] == ["circle", "square", "triangle"]
    assert (stored["model"], stored["stage"], stored["num_classes"]) == ("defrcn_r18", "base", 3)


def test_the_configuration_of_a_run_says_what_was_decided(base: Path, tuned: Path):
    config = load_config(DeFRCNConfig, recipe=tuned / "config.yaml")
    assert config.fewshot.base_classes == ("circle", "square", "triangle")
    assert config.fewshot.novel_classes == tuple(NOVEL)
    assert (config.fewshot.classes, config.fewshot.shots) == ("novel", 5)
    assert config.schedule.milestone_steps == (2,)


def test_fine_tuning_starts_from_the_base_network_and_keeps_what_is_frozen(base: Path, tuned: Path):
    before = read_weights(base / "checkpoints" / "best.ckpt").arrays
    after = read_weights(tuned / "checkpoints" / "last.ckpt").arrays
    kept = [
        name for name in before if name.startswith(("backbone.stem.", "backbone.res3.", "roi_heads.res5."))
    ]
    assert len(kept) > 30
    for name in kept:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert after["roi_heads.box_predictor.cls_score.weight"].shape == (3, 512)
    learned = "proposal_generator.rpn_head.conv.weight"
    assert not np.array_equal(after[learned], before[learned])


def test_the_log_counts_the_few_pictures_as_often_as_they_are_shown(tuned: Path):
    log = (tuned / "log.txt").read_text()
    assert "10 boxes" in log
    assert "3 steps" in log


def test_eval_says_whether_scores_are_calibrated(tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    numbers = {}
    for pcb in ("off", "on"):
        out = tmp_path / pcb
        assert (
            main(["eval", str(tuned), "--pcb", pcb, "--postprocess.min-score", "0", "--out", str(out)]) == 0
        )
        assert ("PCB on" if pcb == "on" else "PCB off") in capsys.readouterr().out
        numbers[pcb] = json.loads((out / "metrics.json").read_text())
    assert {"nAP", "nAP50", "nAP75"} <= numbers["off"].keys()
    assert "bAP" not in numbers["off"]  # the network knows novel classes only
    assert (tuned / "prototypes").is_dir()


def test_generalised_fine_tuning_keeps_the_rows_of_base_classes(demo_run: Path, base: Path, tmp_path: Path):
    shapes = demo_run / "shapes"
    data = ["--data.train", str(shapes / "fewshot" / "train.json"), "--fewshot.novel-classes", "[star,cross]"]
    recipe = ["--config", "defrcn_r18_demo_fewshot", "--mode", "gfsod", "--shots", "2"]
    out = tmp_path / "all"
    words = [
        "finetune",
        str(base),
        *recipe,
        *data,
        *SMALL,
        "--schedule.lr",
        "1e-9",
        "--schedule.lr-init",
        "1e-9",
    ]
    assert main([*words, "--train.iterations", "1", "--out", str(out)]) == 0
    stored = read_metadata(out / "checkpoints" / "last.ckpt")
    assert stored["classes"] == ["circle", "square", "triangle", "star", "cross"]
    name = "roi_heads.box_predictor.cls_score.weight"
    rows = read_weights(out / "checkpoints" / "last.ckpt").arrays[name]
    before = read_weights(base / "checkpoints" / "best.ckpt").arrays[name]
    np.testing.assert_allclose(rows[[0, 1, 2, 5]], before, atol=1e-6)


def test_one_graph_for_pictures_of_any_size_trains_too(demo_run: Path, tmp_path: Path):
    """`input.shapes exact`, with two lengths of the short side."""
    data = ["--data.train", str(demo_run / "shapes" / "base" / "train.json"), "--train.evaluate", "false"]
    exact = [
        "--input.shapes",
        "exact",
        "--input.short-sides",
        "[80,96]",
        "--fewshot.novel-classes",
        "[star,cross]",
    ]
    words = ["train", "--config", "defrcn_r18_demo", *SMALL, *data, *exact, "--train.iterations", "4"]
    out = tmp_path / "exact"
    assert main([*words, "--train.epochs", "1", "--schedule.milestones", "[0.5]", "--out", str(out)]) == 0
    losses = [json.loads(line).get("loss") for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(loss) for loss in losses if loss is not None)


def test_a_study_is_a_table_and_goes_on(demo_run: Path, base: Path, tmp_path: Path, capsys):
    out = tmp_path / "study"
    shapes = demo_run / "shapes" / "fewshot"
    data = ["--data.train", str(shapes / "train.json"), "--data.val", str(shapes / "val.json")]
    words = [
        "study",
        str(base),
        "--config",
        "defrcn_r18_demo_fewshot",
        "--mode",
        "fsod",
        "--shots",
        "1",
        *SMALL,
    ]
    words += [*data, "--fewshot.novel-classes", "[star,cross]", "--pcb.enabled", "false"]
    assert main([*words, "--seeds", "0", "--train.iterations", "2", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main([*words, "--seeds", "0", "--train.iterations", "2", "--out", str(out)]) == 0
    assert "compiling" not in capsys.readouterr().out  # it is done already
    (cell,) = json.loads((out / "study.json").read_text())["cells"]
    assert (cell["shots"], cell["seed"]) == (1, 0)
    assert 0 <= cell["nAP"] <= 1
    assert (out / "results.txt").is_file()
    assert (out / "report.html").is_file()


def test_without_a_recipe_fine_tuning_follows_the_base_training(demo_run: Path, base: Path, tmp_path: Path):
    """Data, class lists, network and machine come from the base run; the command line and the few-shot recipe add the
    rest. Going on with the finished run does nothing more."""
    out = tmp_path / "few"
    data = ["--data.train", str(demo_run / "shapes" / "fewshot" / "train.json"), "--train.evaluate", "false"]
    assert (
        main(["finetune", str(base), "--shots", "1", *data, "--train.iterations", "1", "--out", str(out)])
        == 0
    )
    config = load_config(DeFRCNConfig, recipe=out / "config.yaml")
    assert config.model.name == "defrcn_r18"
    assert config.input.short_sides == (96,)
    assert config.model.norm == "frozen"
    assert config.fewshot.novel_classes == tuple(NOVEL)
    assert config.pcb.enabled
    assert main(["finetune", "--resume", str(out)]) == 0
    assert main(["finetune", "--resume", str(out), "--shots", "2"]) == 2


def test_an_exported_model_agrees(tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    out = tmp_path / "exported"
    assert main(["export", str(tuned), "--size", "96", "128", "--out", str(out)]) == 0
    assert "largest difference" in capsys.readouterr().out
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["task"], manifest["classes"]) == ("two-stage detection", NOVEL)
    assert manifest["input"]["shape"] == [1, 3, 96, 128]
    assert manifest["output_form"] == "nms"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shots", "0"], "0 is below 1"),
        (["--shots", "500"], "star"),
        (["--shots", "5", "--fewshot.shots-from", "nowhere/cocosplit"], "nowhere/cocosplit"),
        (["--shots", "5", "--fewshot.base-classes", "[star]"], "star"),
        (["--shots", "5", "--fewshot.novel-classes", "[stra]"], "stra"),
        (["--shots", "5", "--shots-seed", "-1"], "-1 is below 0"),
    ],
)
def test_faulty_wishes_are_one_line(words: list[str], said: str, demo_run: Path, tmp_path: Path, capsys):
    shapes = demo_run / "shapes" / "fewshot" / "train.json"
    common = ["--config", "defrcn_r18_demo_fewshot", "--data.train", str(shapes)]
    novel = [] if "--fewshot.novel-classes" in words else ["--fewshot.novel-classes", "[star,cross]"]
    out = tmp_path / "run"
    code = main(["finetune", str(demo_run / "base"), *common, *novel, *words, "--out", str(out)])
    lines = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len(lines) == 1
    assert said in lines[0]
    assert not list(tmp_path.iterdir())


def test_a_network_of_other_classes_is_refused(demo_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    """Fine-tuning starts from a network of the base classes, not from one that was fine-tuned already."""
    shapes = demo_run / "shapes" / "fewshot" / "train.json"
    words = ["--config", "defrcn_r18_demo_fewshot", "--data.train", str(shapes), "--shots", "1"]
    base = str(demo_run / "fewshot-gdl-seed0")
    novel = ["--fewshot.novel-classes", "[star,cross]"]
    assert main(["finetune", base, *words, *novel, "--out", str(tmp_path / "run")]) == 2
    assert "was trained for 2 classes, 3 base classes are named" in capsys.readouterr().err


def test_fine_tuning_from_a_network_after_surgery_is_that_from_the_base_network(
    demo_run: Path, base: Path, tmp_path: Path
):
    """Surgery by hand, as the original's users know it, or by `finetune` itself: the same weights come out."""
    novel = ["--fewshot.novel-classes", "[star,cross]"]
    start = tmp_path / "model_reset_remove.ckpt"
    assert main(["surgery", str(base), str(start), "--method", "remove", *novel]) == 0
    data = ["--data.train", str(demo_run / "shapes" / "fewshot" / "train.json"), "--train.evaluate", "false"]
    words = [
        "--config",
        "defrcn_r18_demo_fewshot",
        "--shots",
        "1",
        "--train.iterations",
        "1",
        *data,
        *novel,
        *SMALL,
    ]
    outcomes = []
    for number, source in enumerate((start, base)):
        out = tmp_path / str(number)
        assert main(["finetune", str(source), *words, "--out", str(out)]) == 0
        outcomes.append(read_weights(out / "checkpoints" / "last.ckpt").arrays)
    by_hand, at_once = outcomes
    for name, array in at_once.items():
        np.testing.assert_array_equal(by_hand[name], array, err_msg=name)
