"""`mindspore_hub_conf.create_network`, as MindSpore Hub calls it."""

import importlib.util
from pathlib import Path


def test_it_is_built_for_the_classes_of_coco() -> None:
    path = Path(__file__).resolve().parents[1] / "mindspore_hub_conf.py"
    spec = importlib.util.spec_from_file_location("mindspore_hub_conf", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.create_network("ssdlite_mobilenetv2_fpn")
    assert (network.model_name, network.num_classes) == ("ssdlite_mobilenetv2_fpn", 81)
