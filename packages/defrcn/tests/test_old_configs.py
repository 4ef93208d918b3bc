"""The old DeFRCN configurations and our recipes: what differs is listed here, with why."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from ms_core.cli import read_words
from ms_core.config import load_config, to_yaml
from ms_core.config_fields import fields_of
from ms_core.old_zoo.commands import translate_command
from ms_core.old_zoo.config_file import recipe_of_old_file
from ms_core.old_zoo.keys_defrcn import KEYS, SIGNS
from ms_core.old_zoo.networks import DEFRCNS
from ms_core.recipes import parse_yaml
from ms_defrcn.cli import tool
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.finetune import FALL_AT, iterations_for

RECIPES = files("ms_defrcn") / "configs"
CONFIGS = Path(__file__).resolve().parents[2] / "core" / "tests" / "old_zoo" / "defrcn_configs"
STAGES = {
    "defrcn_det_r101_base": ("train", "defrcn_r101_coco_base"),
    "defrcn_fsod_r101_novel_10shot": ("finetune", "defrcn_r101_coco_fsod"),
    "defrcn_gfsod_r101_novel_1shot": ("finetune", "defrcn_r101_coco_gfsod"),
}
OF_THE_USER = {
    *("data.train", "data.images", "data.val", "data.val_images", "data.cache", "fewshot.shots_from"),
    *("fewshot.shots", "backbone_weights", "pcb.weights", "device", "seed"),
    *("train.workers", "train.save_every", "train.keep_max", "loss_scale.mode", "loss_scale.scale"),
}
"""Where things lie, what to run on, what to keep; recipes leave it open."""
OLD_HABITS = {
    "input.short_sides": [768],
    "input.test_short_side": 768,
    "input.max_side": 1280,
    "proposals.train_before_nms": 2000,
    "proposals.test_before_nms": 1000,
}
"""What the old port did otherwise than the paper (facts/defrcn.md): its files say so, so it counts."""


def flat(config: DeFRCNConfig) -> dict[str, Any]:
    def walk(tree: dict[str, Any], prefix: str) -> dict[str, Any]:
        found = {}
        for key, value in tree.items():
            inner = isinstance(value, dict) and value
            found.update(walk(value, f"{prefix}{key}.") if inner else {prefix + key: value})
        return found

    return walk(parse_yaml(to_yaml(config), "config"), "")


def translated(name: str, verb: str) -> DeFRCNConfig:
    recipe = recipe_of_old_file(CONFIGS / f"{name}.yaml", verb, package="ms-defrcn", recipes=RECIPES)
    assert recipe is not None
    return load_config(DeFRCNConfig, recipe=recipe, recipes=RECIPES)


@pytest.mark.parametrize("name", STAGES)
def test_an_old_configuration_equals_our_recipe_but_for_old_habits(name: str) -> None:
    verb, recipe = STAGES[name]
    old = flat(translated(name, verb))
    new = flat(load_config(DeFRCNConfig, recipe=recipe, recipes=RECIPES))
    of_the_stage = {
        "defrcn_det_r101_base": {
            "postprocess.min_score": 0.3,
            "train.epochs": 18,
            "train.iterations": 0,
            "train.accumulate": 1,  # eight devices
        },
        "defrcn_fsod_r101_novel_10shot": {"train.iterations": 2500, "schedule.milestone_steps": [2000]},
        "defrcn_gfsod_r101_novel_1shot": {"train.iterations": 3200, "schedule.milestone_steps": [2560]},
    }
    differing = {key for key in old if old[key] != new.get(key)} - OF_THE_USER
    assert {key: old[key] for key in differing} == OLD_HABITS | of_the_stage[name]


@pytest.mark.parametrize(("name", "shots"), [("fsod_r101_novel_10shot", 10), ("gfsod_r101_novel_1shot", 1)])
def test_updates_of_a_fine_tuning_are_those_of_the_paper(name: str, shots: int) -> None:
    """Epochs of the old file, counted by labelled objects, against the recipe's table."""
    config = translated(f"defrcn_{name}", "finetune")
    assert config.train.iterations == iterations_for(config.finetune.iterations, shots)
    assert config.schedule.milestone_steps == (FALL_AT * config.train.iterations,)


@pytest.mark.parametrize(
    "key", [key for key in KEYS.values() if key.becomes == "setting" and not key.same_as]
)
def test_a_setting_names_keys_that_our_configuration_has(key: Any) -> None:
    assert key.ours
    assert [ours for ours in key.ours if ours not in fields_of(DeFRCNConfig)] == []


def test_no_key_of_ours_makes_a_file_look_old() -> None:
    assert not SIGNS & ({key.split(".")[0] for key in fields_of(DeFRCNConfig)} | {"base"})


@pytest.mark.parametrize("old", DEFRCNS.values(), ids=lambda old: old.name)
def test_the_network_and_its_rate_are_those_of_the_package(old: Any) -> None:
    schedule = load_config(DeFRCNConfig, recipe="defrcn_r101_coco_base", recipes=RECIPES).schedule
    assert schedule.lr == old.lr
    assert old.name in ("defrcn_r101", "defrcn_r50")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("defrcn_det_r101_base", "train"),
        ("defrcn_fsod_r101_novel_10shot", "finetune base.ckpt --mode fsod --shots 10"),
        ("defrcn_gfsod_r101_novel_1shot", "eval a.ckpt --pcb on"),
        ("defrcn_fsod_r101_novel_10shot", "predict a.ckpt photos --out seen"),
        ("defrcn_fsod_r101_novel_10shot", "export a.ckpt --out exported --size 768 1280"),
        ("defrcn_gfsod_r101_novel_1shot", "surgery a.ckpt b.ckpt --method randinit"),
    ],
)
def test_every_verb_takes_an_old_configuration(name: str, words: str) -> None:
    line = [*words.split(), "--config", str(CONFIGS / f"{name}.yaml"), "--seed", "7"]
    config = read_words(tool(), line).config
    assert (config.model.name, config.seed, config.optimizer.bias_weight_decay) == ("defrcn_r101", 7, 1e-4)
    assert config.data.images == "../../datasets/coco/trainval2014"


def test_an_option_may_take_back_what_the_old_file_says() -> None:
    """On a CPU the old code scaled no loss; what a setting is without its file, this package knows."""
    base = str(CONFIGS / "defrcn_det_r101_base.yaml")
    words = ["--config_path", base, "--export_ckpt_file", "a.ckpt", "--device_target", "CPU"]
    ours = translate_command("export.py", [*words, "--export_file_format", "MINDIR"], "ms-defrcn")
    assert " ".join(ours) == (
        f"ms-defrcn export a.ckpt --config {base} --loss-scale.scale 65536.0 --loss-scale.mode none --device cpu "
        "--format mindir --size 768 1280 --out defrcn_pretrain"
    )
