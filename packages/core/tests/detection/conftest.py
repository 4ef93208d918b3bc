"""What the tests of boxes and matching share: the old code's numbers and the anchors of its networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ms_core.detection.anchors import Anchors, grid_anchors, scale_aspect_anchors

RATIOS = [[], [2, 3], [2, 3], [2, 3], [2, 3], [2, 3]]


@pytest.fixture(scope="session")
def golden_boxes() -> dict[str, np.ndarray]:
    """Of four networks: encoder inputs and outputs in full; every 97th default box and a checksum."""
    return dict(np.load(Path(__file__).with_name("golden_boxes.npz")))


@pytest.fixture(scope="session")
def anchors_of() -> Callable[[str], Anchors]:
    """Default boxes by network name."""
    return _anchors_of


def _anchors_of(net: str) -> Anchors:
    if net == "ssd300":
        return scale_aspect_anchors(300, [19, 10, 5, 3, 2, 1], [16, 32, 64, 100, 150, 300], RATIOS)
    if net == "ssd_vgg16":
        return scale_aspect_anchors(300, [38, 19, 10, 5, 3, 1], [8, 16, 32, 64, 100, 300], RATIOS)
    if net == "ssd_mobilenet_v1_fpn":
        return grid_anchors(640, [8, 16, 32, 64, 128])
    return grid_anchors(320, [8, 16, 32, 64, 108])
