"""Every recipe in the wheel loads, says where it comes from, and builds its network."""

from importlib.resources import files

import ms_ssdlite_fpn
import pytest
from ms_core.config import load_config
from ms_core.single_shot.config import SingleShotConfig

RECIPES = files("ms_ssdlite_fpn") / "configs"
NAMES = sorted(f.name for f in RECIPES.iterdir() if f.name.endswith(".yaml"))


def test_there_are_recipes():
    assert "ssdlite_mobilenetv2_fpn.yaml" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_and_builds(name: str):
    config = load_config(SingleShotConfig, recipe=name.removesuffix(".yaml"), recipes=RECIPES)
    network = ms_ssdlite_fpn.build_model(config.model.name, num_classes=3, variant=config.model.variant)
    assert network.num_classes == 3


@pytest.mark.parametrize("name", NAMES)
def test_it_starts_with_the_command_and_what_to_expect(name: str):
    head = (RECIPES / name).read_text(encoding="utf-8").split("\n\n")[0]
    for word in ("Command:", "Hardware:", "Expected:"):
        assert word in head, f"{name} does not say its {word}"
