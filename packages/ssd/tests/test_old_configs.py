"""The old zoo's configurations and our recipes of the same networks agree: what differs is listed here, with why."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import ms_ssd
import pytest
from ms_core.config import load_config, to_yaml
from ms_core.old_zoo.config_file import recipe_of_old_file
from ms_core.old_zoo.files import read_old_file
from ms_core.old_zoo.networks import networks_of
from ms_core.recipes import parse_yaml
from ms_core.single_shot.config import SingleShotConfig

RECIPES = files("ms_ssd") / "configs"
CONFIGS = Path(__file__).resolve().parents[2] / "core" / "tests" / "old_zoo" / "configs"
FILES = [*sorted(path.name for path in CONFIGS.glob("ssd_*.yaml")), "ssd300.yaml", "ssd300_gpu.yaml"]
OF_THE_USER = {
    *(
        "data.train",
        "data.images",
        "data.cache",
        "data.classes",
        "data.invalid_boxes",
        "data.unknown_classes",
    ),
    *("device", "eval.subset", "backbone_weights"),
}
"""Where the data lies and what to run on; recipes leave it open."""
SAID_OTHERWISE = {
    "loss_scale.mode": "static",  # our recipes scale where fp16 needs it, and adapt the scale
    "loss_scale.scale": 1024.0,
    "loss.alpha": None,  # our networks know theirs; compared below
}
PUBLISHED = {"ssd_mobilenet_v1_fpn": 60, "ssd_resnet50_fpn": 60, "ssd_vgg16": 150}
"""Epochs of the published runs, in our recipes; the old files say 500 for every network."""


def flat(config: SingleShotConfig) -> dict[str, Any]:
    def walk(tree: dict[str, Any], prefix: str) -> dict[str, Any]:
        found = {}
        for key, value in tree.items():
            inner = isinstance(value, dict) and value
            found.update(walk(value, f"{prefix}{key}.") if inner else {prefix + key: value})
        return found

    return walk(parse_yaml(to_yaml(config), "config"), "")


def translated(name: str) -> SingleShotConfig:
    recipe = recipe_of_old_file(CONFIGS / name, "train", package="ms-ssd", recipes=RECIPES)
    assert recipe is not None
    return load_config(SingleShotConfig, recipe=recipe, recipes=RECIPES)


def recipe_for(name: str, old: SingleShotConfig) -> str:
    """The GPU file of ssd_vgg16 has a recipe of its own."""
    return "ssd_vgg16_gpu" if name == "ssd_vgg16_gpu.yaml" else old.model.name


@pytest.mark.parametrize("name", FILES)
def test_an_old_configuration_equals_our_recipe(name: str) -> None:
    config = translated(name)
    old = flat(config)
    new = flat(load_config(SingleShotConfig, recipe=recipe_for(name, config), recipes=RECIPES))
    assert {key for key in old if old[key] != new[key]} - OF_THE_USER <= expected(name, old, new)


def expected(name: str, old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    """Settings that may differ, each with the value that was checked."""
    allowed = {key for key, value in SAID_OTHERWISE.items() if value in (None, old[key])}
    if old["train.epochs"] == 500 and new["train.epochs"] == PUBLISHED.get(new["model.name"]):
        allowed.add("train.epochs")
    if name == "ssd_resnet50_fpn_gpu.yaml" and old["train.batch_size"] == 16:
        allowed.add("train.batch_size")
    if "use_float16" in _values(name):
        allowed.add("precision.mode")  # "auto" of our recipes decides by the device
    return allowed


def _values(name: str) -> dict[str, Any]:
    file = read_old_file(CONFIGS / name)
    assert file is not None
    return dict(file.values)


@pytest.mark.parametrize("old", networks_of("ms-ssd"), ids=lambda old: old.name)
def test_structure_and_loss_are_those_of_our_network(old) -> None:
    network = ms_ssd.MODELS[old.name](3, "zoo", "same")
    assert tuple(network.input_size) == old.structure["img_shape"]
    assert len(network.anchors.tlbr) == old.structure["num_ssd_boxes"]
    assert tuple(network.prior_scaling) == old.structure["prior_scaling"]
    first = next(name for name in FILES if name.startswith(f"{old.name}.") or name == f"{old.name}_gpu.yaml")
    assert network.loss_alpha == _values(first)["alpha"]


@pytest.mark.parametrize("old", networks_of("ms-ssd"), ids=lambda old: old.name)
def test_rates_where_nothing_is_said_are_those_of_the_recipe(old) -> None:
    schedule = load_config(SingleShotConfig, recipe=old.name, recipes=RECIPES).schedule
    assert schedule.lr == old.lr
    assert schedule.lr_end == pytest.approx(old.lr * old.lr_end_rate, rel=1e-12)


@pytest.mark.parametrize(
    "verb", ["train", "eval", "predict", "export", "benchmark", "data check", "data cache"]
)
def test_every_verb_takes_an_old_configuration(verb: str) -> None:
    recipe = recipe_of_old_file(CONFIGS / "ssd300.yaml", verb, package="ms-ssd", recipes=RECIPES)
    config = load_config(SingleShotConfig, recipe=recipe, recipes=RECIPES)
    assert config.data.classes is not None
    assert len(config.data.classes) == 80
    assert (config.data.val is None) == (verb in ("train", "data cache"))
