"""The old SegFormer configurations and our `_zoo` recipes agree: what differs is listed here, with why."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.cli import read_words
from ms_core.config import load_config, to_yaml
from ms_core.config_fields import fields_of
from ms_core.old_zoo.commands import translate_command
from ms_core.old_zoo.config_file import recipe_of_old_file
from ms_core.old_zoo.keys_segformer import KEYS
from ms_core.old_zoo.networks import SEGFORMERS
from ms_core.recipes import parse_yaml
from ms_core.segmentation.open import open_split
from ms_core.segmentation.streets import make_streets
from ms_segformer.cli import tool
from ms_segformer.config import SegFormerConfig

RECIPES = files("ms_segformer") / "configs"
CONFIGS = Path(__file__).resolve().parents[2] / "core" / "tests" / "old_zoo" / "segformer_configs"
FILES = sorted(path.name for path in CONFIGS.glob("segformer.b?.*.yaml"))
OF_THE_USER = {"data.root", "backbone_weights", "device"}
"""Where things lie and what to run on; recipes leave it open."""
SAID_OTHERWISE = {"train.keep_max": 200}
"""The old training kept the checkpoints of all 200 epochs; the recipes leave it at fewer."""


def flat(config: SegFormerConfig) -> dict[str, Any]:
    def walk(tree: dict[str, Any], prefix: str) -> dict[str, Any]:
        found = {}
        for key, value in tree.items():
            inner = isinstance(value, dict) and value
            found.update(walk(value, f"{prefix}{key}.") if inner else {prefix + key: value})
        return found

    return walk(parse_yaml(to_yaml(config), "config"), "")


def translated(name: str, verb: str = "train") -> SegFormerConfig:
    recipe = recipe_of_old_file(CONFIGS / name, verb, package="ms-segformer", recipes=RECIPES)
    assert recipe is not None
    return load_config(SegFormerConfig, recipe=recipe, recipes=RECIPES)


def recipe_for(name: str) -> str:
    """segformer.b0.512x1024.city.yaml -> segformer_b0_512x1024_zoo."""
    return "_".join(name.split(".")[:3]) + "_zoo"


def test_all_seven_files_of_the_guide_are_here() -> None:
    assert len(FILES) == 7


@pytest.mark.parametrize("name", FILES)
def test_an_old_configuration_equals_our_zoo_recipe(name: str) -> None:
    old = flat(translated(name))
    new = flat(load_config(SegFormerConfig, recipe=recipe_for(name), recipes=RECIPES))
    differing = {key for key in old if old[key] != new[key]} - OF_THE_USER
    assert {key: old[key] for key in differing} == SAID_OTHERWISE


@pytest.mark.parametrize("name", FILES)
def test_an_old_configuration_means_the_old_recipe(name: str) -> None:
    """facts/segformer.md, "Recipe", the column of the old zoo."""
    config = translated(name)
    optimizer = config.optimizer
    assert (optimizer.name, optimizer.weight_decay) == ("adam-weight-decay", 0.01)
    assert (optimizer.decay_norms, optimizer.decay_biases, optimizer.lr_multipliers) == (True, True, {})
    assert (config.schedule.name, config.schedule.lr, config.schedule.warmup_steps) == ("constant", 6e-5, 0)
    assert (config.loss.name, config.loss.factor, config.loss.class_weights) == (
        "cross-entropy",
        0.4,
        "cityscapes",
    )
    assert (config.train.epochs, config.train.iterations, config.train.batch_size) == (200, 0, 2)
    assert (config.eval.labels, config.inference.mode) == ("resized", "whole")
    assert config.inference.size == config.input.base_size
    assert config.train.workers == 8
    assert config.model.decoder_width in ((None, 256) if ".b0." in name else (512,))


@pytest.mark.parametrize("key", [key for key in KEYS.values() if key.becomes == "setting"])
def test_a_setting_names_keys_that_our_configuration_has(key: Any) -> None:
    assert key.ours
    assert [ours for ours in key.ours if ours not in fields_of(SegFormerConfig)] == []


@pytest.mark.parametrize("old", SEGFORMERS.values(), ids=lambda old: old.name)
def test_rates_where_nothing_is_said_are_those_of_the_recipe(old: Any) -> None:
    recipe = f"{old.name}_1024x1024_zoo"
    schedule = load_config(SegFormerConfig, recipe=recipe, recipes=RECIPES).schedule
    assert (schedule.name, schedule.lr, old.lr_end_rate) == ("constant", old.lr, 1.0)


@pytest.mark.parametrize(
    "words",
    ["train", "eval run", "predict run photos --out seen", "export run --out exported", "benchmark"],
)
def test_every_verb_takes_an_old_configuration(words: str) -> None:
    path = CONFIGS / "segformer.b1.1024x1024.city.yaml"
    config = read_words(tool(), [*words.split(), "--config", str(path), "--seed", "7"]).config
    assert (config.model.name, config.model.decoder_width, config.seed) == ("segformer_b1", 512, 7)
    assert config.data.root == Path("data/cityscapes")


def test_what_a_flag_takes_back_gets_the_value_of_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = tmp_path / "old.yaml"
    old.write_text("backbone: mit_b2\nclass_num: 3\nsave_checkpoint: True\n", encoding="utf-8")
    line = f"--config_path {old} --class_num 19 --save_checkpoint False --backbone mit_b0"
    words = translate_command("train.py", line.split(), "ms-segformer")
    config = read_words(tool(), words[1:]).config
    assert (config.model.name, config.model.decoder_width) == ("segformer_b0", None)
    assert (config.data.classes, config.loss.class_weights) == (None, "cityscapes")
    assert config.train.save_every == 0


def test_another_number_of_classes_opens_the_cityscapes_layout(tmp_path: Path) -> None:
    make_streets(tmp_path / "city", train=1, val=1, seed=1, size=(64, 128))
    old = tmp_path / "old.yaml"
    old.write_text(f"backbone: mit_b0\nclass_num: 30\ndata_path: {tmp_path / 'city'}\n", encoding="utf-8")
    config = read_words(tool(), ["train", "--config", str(old)]).config
    dataset = open_split(config.data, "train")
    assert dataset.classes == tuple(f"class {number}" for number in range(30))
    assert set(np.unique(dataset.read_label(0))) <= {*range(19), 255}
