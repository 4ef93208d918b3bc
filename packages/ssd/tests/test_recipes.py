"""Every recipe in the wheel loads, says where it comes from, and builds its network."""

from importlib.resources import files

import ms_ssd
import pytest
from ms_core.config import load_config
from ms_core.single_shot.config import SingleShotConfig
from ms_ssd.cli import package
from ms_ssd.models import OPTIONS

RECIPES = files("ms_ssd") / "configs"
NAMES = sorted(f.name for f in RECIPES.iterdir() if f.name.endswith(".yaml"))


def test_there_is_a_recipe_for_every_network():
    for model in ms_ssd.MODELS:
        assert {f"{model}.yaml", f"{model}_finetune.yaml"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_builds(name: str):
    config = load_config(SingleShotConfig, recipe=name.removesuffix(".yaml"), recipes=RECIPES)
    options = package().options(config.model)
    assert set(options) <= set(OPTIONS.get(config.model.name, ()))
    network = ms_ssd.MODELS[config.model.name](
        3, config.model.variant, "same", **options
    )  # no initial weights
    assert (network.num_classes, network.variant) == (3, config.model.variant)


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_with_the_command_and_what_to_expect(name: str):
    head = (RECIPES / name).read_text(encoding="utf-8").split("\n\n")[0]
    for word in ("Command:", "Hardware:", "Expected:"):
        assert word in head, f"{name} does not say its {word}"
