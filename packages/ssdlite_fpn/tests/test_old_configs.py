"""The old configurations of SSDLite and our recipe agree: what differs is listed here, with why."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import ms_ssdlite_fpn
import pytest
from ms_core.config import load_config, to_yaml
from ms_core.old_zoo.config_file import recipe_of_old_file
from ms_core.old_zoo.networks import NETWORKS
from ms_core.recipes import parse_yaml
from ms_core.single_shot.config import SingleShotConfig

RECIPES = files("ms_ssdlite_fpn") / "configs"
CONFIGS = Path(__file__).resolve().parents[2] / "core" / "tests" / "old_zoo" / "configs"
OLD = NETWORKS["ssdlite_mobilenetv2_fpn"]
SECTIONS_COMPARED = ("model", "input", "train", "schedule", "optimizer", "precision", "postprocess")
"""The rest is where the data lies, what to run on, and the loss scale, which our recipe adapts."""


def sections(config: SingleShotConfig) -> dict[str, Any]:
    tree = parse_yaml(to_yaml(config), "config")
    return {name: tree[name] for name in SECTIONS_COMPARED}


@pytest.mark.parametrize("platform", ["", "_gpu"])
def test_an_old_configuration_equals_our_recipe(platform: str) -> None:
    file = CONFIGS / f"{OLD.name}{platform}.yaml"
    recipe = recipe_of_old_file(file, "train", package="ms-ssdlite-fpn", recipes=RECIPES)
    old = load_config(SingleShotConfig, recipe=recipe, recipes=RECIPES)
    assert sections(old) == sections(load_config(SingleShotConfig, recipe=OLD.name, recipes=RECIPES))
    assert old.loss.alpha == 0.75
    assert old.loss_scale.scale == 1024.0


def test_structure_and_loss_are_those_of_our_network() -> None:
    network = ms_ssdlite_fpn.build_model(OLD.name, num_classes=3)
    assert tuple(network.input_size) == OLD.structure["img_shape"]
    assert len(network.anchors.tlbr) == OLD.structure["num_ssd_boxes"]
    assert network.loss_alpha == 0.75


def test_rates_where_nothing_is_said_are_those_of_the_recipe() -> None:
    schedule = load_config(SingleShotConfig, recipe=OLD.name, recipes=RECIPES).schedule
    assert (schedule.lr, schedule.lr_end) == (OLD.lr, OLD.lr * OLD.lr_end_rate)
