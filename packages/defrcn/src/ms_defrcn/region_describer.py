"""Descriptions of regions of pictures, for calibration: the network of `pcb_network` with what comes before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mindspore as ms
import mmcv
import numpy as np
from mindspore import Tensor, nn
from ms_core.compile_cache import first_call
from ms_core.errors import UserError

from ms_defrcn.config import PcbConfig
from ms_defrcn.pcb_network import CHANNELS, DIMENSIONS, PcbNetwork
from ms_defrcn.regions import AT_ONCE, filled_up
from ms_defrcn.weights import load_pcb_weights

MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)
"""Red, green and blue, 0-255, over ImageNet, as torchvision's networks were trained."""


class RegionDescriber:
    """Describes regions of pictures of any size: `describer(image, boxes)`, a `calibration.Describe`.

    The network sees pictures as large as they are. As they are of many sizes, one graph takes all of them.

    Args:
        network: filled.
        max_side: larger pictures are first made so small that their long side has so many pixels, which bounds memory;
            0: never.
        say: told when a graph is about to be compiled.
    """

    def __init__(
        self,
        network: PcbNetwork,
        max_side: int = 0,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        network.set_train(False)
        self.max_side = max_side
        self.say = say
        self._features, self._heads = _Features(network), _Descriptions(network)
        self._picture = Tensor(shape=[1, 3, None, None], dtype=ms.float32)
        self._map = Tensor(shape=[1, CHANNELS, None, None], dtype=ms.float32)
        self._regions = Tensor(shape=[AT_ONCE, 4], dtype=ms.float32)
        self._features.set_inputs(self._picture)
        self._heads.set_inputs(self._map, self._regions)
        self._announced = False

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Descriptions of regions of one picture, float32 [n, DIMENSIONS].

        Args:
            image: uint8 [h, w, 3] RGB.
            boxes: float32 [n, 4] x0 y0 x1 y1, in its pixels.
        """
        if not len(boxes):
            return np.zeros((0, DIMENSIONS), np.float32)
        self._announce()
        pixels, scale = _network_input(image, self.max_side)
        picture = Tensor(pixels)
        with first_call(self._features, (self._picture,)):
            features = self._features(picture)
        boxes = boxes * scale
        parts = [
            self._describe(features, boxes[start : start + AT_ONCE])
            for start in range(0, len(boxes), AT_ONCE)
        ]
        return np.concatenate(parts)

    def _describe(self, features: Tensor, boxes: np.ndarray) -> np.ndarray:
        """At most AT_ONCE regions of the picture with these features."""
        with first_call(self._heads, (self._map, self._regions)):
            return self._heads(features, Tensor(filled_up(boxes))).asnumpy()[: len(boxes)]

    def _announce(self) -> None:
        if not self._announced and ms.get_context("mode") == ms.GRAPH_MODE:
            self.say("compiling the graph of the calibration network, this can take minutes ...")
        self._announced = True


class _Features(nn.Cell):
    """Part of the network, with inputs of its own."""

    def __init__(self, network: PcbNetwork) -> None:
        super().__init__(auto_prefix=False)  # a prefix would rename the parameters of `network`
        self.network = network

    def construct(self, images: Tensor) -> Tensor:
        return self.network.features(images)


class _Descriptions(nn.Cell):
    """The rest of it."""

    def __init__(self, network: PcbNetwork) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, features: Tensor, boxes: Tensor) -> Tensor:
        return self.network.describe(features, boxes)


def open_describer(config: PcbConfig, say: Callable[[str], None] = lambda message: None) -> RegionDescriber:
    """The calibration network of a configuration.

    Raises:
        UserError: no weights are named, or they do not fill it.
    """
    network = PcbNetwork()
    load_pcb_weights(network, weights_of(config))
    return RegionDescriber(network, config.max_side, say)


def weights_of(config: PcbConfig) -> Path:
    """The file of the calibration network.

    Raises:
        UserError: the configuration names none.
    """
    if config.weights is None:
        raise UserError(
            "pcb.weights: calibration of scores is on but its network has no weights. Get torchvision's ResNet-101, "
            "resnet101-5d3b4d8f.pth (torchvision calls it ResNet101_Weights.IMAGENET1K_V1), and pass --pcb.weights "
            "FILE; or pass --pcb off."
        )
    return config.weights


def _network_input(image: np.ndarray, max_side: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 [1, 3, h, w] normalised RGB; and its pixels to a pixel of the picture, float32 [4] for boxes."""
    height, width = image.shape[:2]
    if max_side and max(height, width) > max_side:
        image = mmcv.imrescale(image, (max_side, max_side), interpolation="area")
    pixels = mmcv.imnormalize(image, np.array(MEAN), np.array(STD), to_rgb=False)
    across, down = image.shape[1] / width, image.shape[0] / height
    scale = np.array([across, down, across, down], np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), scale
