"""MindSpore Hub's entry, as in the old model zoo: create_network("defrcn_r101")."""

from typing import Any

from ms_core.old_zoo import hub


def create_network(name: str, *args: Any, **kwargs: Any) -> Any:
    """A detector for COCO's 80 classes; arguments as `ms_core.old_zoo.hub.create_few_shot_network`."""
    return hub.create_few_shot_network("ms_defrcn", name, *args, **kwargs)
