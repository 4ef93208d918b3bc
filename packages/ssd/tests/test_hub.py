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


def test_it_is_built_for_the_classes_of_coco(hub: ModuleType) -> None:
    network = hub.create_network("ssd300")
    assert (network.model_name, network.num_classes) == ("ssd300", 81)
    assert hub.create_network("ssd300", num_classes=5).num_classes == 5


def test_without_training_it_gives_boxes_and_scores(hub: ModuleType) -> None:
    import mindspore as ms

    network = hub.create_network("ssd300", is_training=False, num_classes=3)
    boxes, scores = network(ms.Tensor(np.zeros((1, 3, 300, 300), np.float32)))
    assert (boxes.shape, scores.shape) == ((1, 1917, 4), (1, 1917, 3))
    assert 0 <= float(scores.min()) <= float(scores.max()) <= 1
    assert 0 <= float(boxes.min()) <= float(boxes.max()) <= 1


def test_an_unknown_network_is_named(hub: ModuleType) -> None:
    with pytest.raises(UserError, match="unknown model 'ssd301'"):
        hub.create_network("ssd301")
