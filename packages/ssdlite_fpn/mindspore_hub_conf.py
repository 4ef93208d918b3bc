"""MindSpore Hub's entry, as in the old model zoo: create_network("ssdlite_mobilenetv2_fpn")."""

from typing import Any

from ms_core.old_zoo import hub


def create_network(name: str, *args: Any, **kwargs: Any) -> Any:
    """A network of this package for COCO's 81 classes; arguments as `ms_core.old_zoo.hub.create_network`."""
    return hub.create_network("ms_ssdlite_fpn", name, *args, **kwargs)
