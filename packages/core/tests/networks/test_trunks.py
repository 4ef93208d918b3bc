"""Sizes and channels of the trunks; what they compute is tested with the networks of ms-ssd."""

from collections.abc import Callable

import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.networks.mobilenet_v1 import MobileNetV1
from ms_core.networks.resnet50 import ResNet50
from ms_core.networks.vgg16 import VGG16


@pytest.mark.parametrize("side", [64, 75])
@pytest.mark.parametrize(
    ("build", "channels", "strides"),
    [
        (lambda: MobileNetV1((10, 22, 26)), (256, 512, 1024), (8, 16, 32)),
        (lambda: MobileNetV1((14, 26), "torch"), (512, 1024), (16, 32)),
        (lambda: ResNet50(), (512, 1024, 2048), (8, 16, 32)),
        (lambda: ResNet50("torch"), (512, 1024, 2048), (8, 16, 32)),
        (lambda: VGG16(), (512, 512), (8, 16)),
        (lambda: VGG16(norm=True, bias=True), (512, 512), (8, 16)),
    ],
    ids=["MobileNetV1", "MobileNetV1 torch", "ResNet-50", "ResNet-50 torch", "VGG-16", "VGG-16-BN"],
)
def test_maps(
    build: Callable[[], nn.Cell], channels: tuple[int, ...], strides: tuple[int, ...], side: int
) -> None:
    features = build().set_train(False)(Tensor(np.zeros((1, 3, side, side), np.float32)))
    expected = [(1, c, -(-side // s), -(-side // s)) for c, s in zip(channels, strides, strict=True)]
    assert [feature.shape for feature in features] == expected
