"""What a fine-tuning takes from its base training, from its recipe, and from the number of shots."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from ms_core.config import load_config, to_yaml
from ms_core.errors import UserError
from ms_defrcn.config import DeFRCNConfig, FewShotConfig, FinetuneConfig
from ms_defrcn.finetune import finetune_config, finetune_recipe, iterations_for, recipe_name, surgery_method

RECIPES = files("ms_defrcn") / "configs"
TABLE = {"1": 800, "2": 1200, "3": 1600, "5": 2000, "10": 4000}


def loaded(recipe, *words: str) -> DeFRCNConfig:
    return load_config(DeFRCNConfig, recipe=recipe, recipes=RECIPES, overrides=words)


def base_run(folder: Path, *words: str, recipe: str = "defrcn_base") -> Path:
    """A run folder as base training leaves it, as far as fine-tuning reads it."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.ckpt").write_bytes(b"")
    (folder / "config.yaml").write_text(to_yaml(loaded(recipe, *words)), encoding="utf-8")
    return folder


def test_iterations_between_two_entries_lie_on_the_line() -> None:
    assert [iterations_for(TABLE, k) for k in (1, 5, 10)] == [800, 2000, 4000]
    assert iterations_for(TABLE, 4) == 1800
    assert iterations_for(TABLE, 7) == 2800
    assert iterations_for(TABLE, 30) == 4000
    assert iterations_for({"5": 100, "2": 40}, 1) == 40


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "finetune.iterations is empty"),
        ({"five": 3}, "'five' is no number of shots"),
        ({"0": 3}, "'0' is no number of shots"),
        ({"1": 0}, "a number below 1"),
    ],
)
def test_a_faulty_table_is_refused(table: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        iterations_for(table, 1)


@pytest.mark.parametrize(("mode", "classes"), [("fsod", "novel"), ("gfsod", "all")])
def test_the_mode_decides_the_classes(mode, classes: str) -> None:
    config = finetune_config(loaded("defrcn_r101_voc1_fsod"), Path("start.ckpt"), mode, 5, 3)
    assert (config.fewshot.classes, config.fewshot.shots, config.fewshot.shots_seed) == (classes, 5, 3)
    assert config.finetune.mode == mode
    assert config.weights == Path("start.ckpt")
    assert surgery_method(config.finetune) == {"fsod": "remove", "gfsod": "randinit"}[mode]


def test_what_the_user_says_wins() -> None:
    words = ("--train.iterations", "50", "--schedule.milestone-steps", "[20]", "--model.freeze-res5", "false")
    config = finetune_config(loaded("defrcn_r101_voc1_fsod", *words), None, "fsod", 5, 0)
    assert config.train.iterations == 50
    assert config.schedule.milestone_steps == (20,)
    assert not config.model.freeze_res5
    assert surgery_method(FinetuneConfig(mode="fsod", surgery="randinit")) == "randinit"
    cosine = loaded("defrcn_r101_voc1_fsod", "--schedule.name", "cosine")
    assert finetune_config(cosine, None, "fsod", 5, 0).schedule.milestone_steps == ()


def test_the_rate_falls_at_80_per_cent_of_any_length() -> None:
    config = loaded("defrcn_r101_voc1_fsod", "--train.iterations", "1")
    assert finetune_config(config, None, "fsod", 5, 0).schedule.milestone_steps == (1,)
    config = loaded("defrcn_r101_voc1_fsod", "--train.iterations", "77")
    assert finetune_config(config, None, "fsod", 5, 0).schedule.milestone_steps == (62,)


def test_shots_and_seeds_out_of_range_are_refused() -> None:
    config = loaded("defrcn_fewshot")
    with pytest.raises(UserError, match=r"fewshot\.shots: 0 is below 1"):
        finetune_config(config, None, "fsod", 0, 0)
    with pytest.raises(UserError, match=r"fewshot\.shots_seed: -1 is below 0"):
        finetune_config(config, None, "fsod", 1, -1)


def test_the_recipe_follows_from_the_base_training(tmp_path: Path) -> None:
    assert recipe_name("coco", "gfsod") == "defrcn_r101_coco_gfsod"
    assert recipe_name("none", "fsod") == recipe_name("none", "gfsod") == "defrcn_fewshot"
    run = base_run(tmp_path / "run", recipe="defrcn_r101_voc2_base")
    config = loaded(finetune_recipe(run, "gfsod"))
    plain = loaded("defrcn_r101_voc2_gfsod")
    assert config == replace(plain, fewshot=config.fewshot)
    assert config.fewshot == FewShotConfig(split="voc2", classes="all")


def test_data_network_and_machine_are_those_of_the_base_training(tmp_path: Path) -> None:
    words = (
        *("--data.train", "a.json", "--fewshot.novel-classes", "[mug]", "--model.name", "defrcn_r18"),
        *("--input.test-short-side", "320", "--train.batch-size", "1", "--model.roi-gradient-scale", "0.5"),
        *("--schedule.lr", "0.9", "--device", "cpu", "--pcb.alpha", "0.1", "--weights", "coco.ckpt"),
    )
    run = base_run(tmp_path / "run", *words)
    config = loaded(finetune_recipe(run / "checkpoints" / "best.ckpt", "fsod"), "--train.workers", "7")
    assert (config.data.train, config.fewshot.novel_classes) == ("a.json", ("mug",))
    assert (config.model.name, config.input.test_short_side, config.train.batch_size) == (
        "defrcn_r18",
        320,
        1,
    )
    assert (config.device, config.train.workers) == ("cpu", 7)
    few = loaded("defrcn_fewshot")
    assert config.model.roi_gradient_scale == few.model.roi_gradient_scale == 0.01
    assert (config.schedule, config.pcb) == (few.schedule, few.pcb)
    assert config.weights is None


def test_a_checkpoint_of_no_run_needs_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").write_bytes(b"")
    with pytest.raises(UserError, match=r"a\.ckpt: belongs to no run folder.*--config"):
        finetune_recipe(tmp_path / "a.ckpt", "fsod")
