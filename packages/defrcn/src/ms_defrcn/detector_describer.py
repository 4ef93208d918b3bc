"""Descriptions of regions by the detector itself, for calibration where no ImageNet network is to be had."""

from __future__ import annotations

from collections.abc import Callable

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from ms_core.compile_cache import first_call
from ms_core.networks.mode import inference_mode

from ms_defrcn import pipeline
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.regions import AT_ONCE, filled_up

__all__ = ["DetectorDescriber"]


class DetectorDescriber:
    """Describes regions by what the detector's classifier sees of them: `describer(image, boxes)`.

    Not the paper's calibration, whose network never saw the base classes' boxes; but it needs no weights.

    Args:
        network: trained; its mode is left as it is.
        config: section `input` counts.
        say: told when a graph is about to be compiled.
    """

    def __init__(
        self, network: DeFRCN, config: DeFRCNConfig, say: Callable[[str], None] = lambda message: None
    ) -> None:
        self.network = network
        self.config = config
        self.say = say
        self._regions = _Regions(network)
        self._any_size = config.input.shapes == "exact"
        self._described = (
            Tensor(shape=[1, 3, None, None], dtype=ms.float32),
            Tensor(shape=[1, AT_ONCE, 4], dtype=ms.float32),
        )
        if self._any_size:
            self._regions.set_inputs(*self._described)
        self._sizes: set[str] = set()

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Descriptions of regions of one picture, float32 [n, D].

        Args:
            image: uint8 [h, w, 3] RGB.
            boxes: float32 [n, 4] x0 y0 x1 y1, in its pixels.
        """
        pixels, _, (across, down) = pipeline.test_input(image, self.config)
        scaled = boxes * np.array([across, down, across, down], np.float32)
        self._announce(pixels.shape)
        parts = [
            self._describe(pixels, scaled[start : start + AT_ONCE])
            for start in range(0, max(len(scaled), 1), AT_ONCE)
        ]
        return np.concatenate(parts)

    def _describe(self, pixels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """At most AT_ONCE regions."""
        inputs = Tensor(pixels), Tensor(filled_up(boxes)[None])
        described = self._described if self._any_size else inputs
        with inference_mode(self._regions), first_call(self._regions, described):
            return self._regions(*inputs).asnumpy()[: len(boxes)]

    def _announce(self, shape: tuple[int, ...]) -> None:
        size = "any size" if self._any_size else f"{shape[2]}x{shape[3]}"
        if size not in self._sizes and ms.get_context("mode") == ms.GRAPH_MODE:
            self.say(f"compiling the graph that describes regions of pictures of {size} ...")
        self._sizes.add(size)


class _Regions(nn.Cell):
    """Regions of a picture to descriptions, with inputs of its own."""

    def __init__(self, network: DeFRCN) -> None:
        super().__init__(auto_prefix=False)  # a prefix would rename the parameters of `network`
        self.network = network

    def construct(self, images: Tensor, regions: Tensor) -> Tensor:
        return self.network.roi_features(self.network.features(images), regions)
