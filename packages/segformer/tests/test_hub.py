"""`mindspore_hub_conf.create_network`, as MindSpore Hub calls it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
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


def test_it_is_built_for_the_classes_of_cityscapes(hub: ModuleType) -> None:
    import mindspore as ms

    network = hub.create_network("segformer_b0", is_training=False)
    assert (network.model_name, network.num_classes, network.training) == ("segformer_b0", 19, False)
    assert network(ms.Tensor(np.zeros((1, 3, 64, 96), np.float32))).shape == (1, 19, 16, 24)


def test_old_names_and_widths_are_understood(hub: ModuleType) -> None:
    network = hub.create_network("mit_b1", num_classes=5, decoder_width=512)
    assert (network.model_name, network.num_classes, network.decoder_width) == ("segformer_b1", 5, 512)
    assert network.training


def test_an_unknown_network_is_named(hub: ModuleType) -> None:
    with pytest.raises(UserError, match="segformer_b9"):
        hub.create_network("segformer_b9")
