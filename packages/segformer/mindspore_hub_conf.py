"""MindSpore Hub's entry, as in the old model zoo: create_network("segformer_b0")."""

from typing import Any

from ms_core.old_zoo import hub


def create_network(name: str, *args: Any, **kwargs: Any) -> Any:
    """A network for Cityscapes' 19 classes; arguments as `ms_core.old_zoo.hub.create_segmentation_network`."""
    return hub.create_segmentation_network("ms_segformer", name, *args, **kwargs)
