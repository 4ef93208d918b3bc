"""`mindspore_hub_conf.create_network`, as MindSpore Hub calls it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ms_core.errors import UserError


@pytest.fixture(scope="module")
def hub() -> ModuleType:
    """The file in the package's folder, loaded from there as MindSpore Hub does."""
    path = Path(__file__).resolve().parents[1] / "mindspore_hub_conf.py"
    spec = importlib.util.spec_from_file_location("mindspore_hub_conf", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_built_for_the_objects_of_coco(hub: ModuleType) -> None:
    network = hub.create_network("defrcn_r18", is_training=False)
    assert (network.model_name, network.num_classes, network.training) == ("defrcn_r18", 80, False)


def test_old_names_and_options_are_understood(hub: ModuleType) -> None:
    network = hub.create_network("resnet_v1_50", num_classes=20, dropout=0.8, freeze_res5=True)
    assert (network.model_name, network.num_classes, network.training) == ("defrcn_r50", 20, True)
    assert (network.options["dropout"], network.options["freeze_res5"]) == (0.8, True)


def test_an_unknown_network_is_named(hub: ModuleType) -> None:
    with pytest.raises(UserError, match="defrcn_r9"):
        hub.create_network("defrcn_r9")
